"""Masks against the definition, position by position."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from qwen_blog.masks import mask, needs_mask


@given(st.lists(st.integers(0, 3), min_size=1, max_size=9), st.data(), st.none() | st.integers(1, 5))
def test_a_mask_is_what_its_words_say(documents, data, window):
    asking = data.draw(st.integers(1, len(documents)))
    made = mask(torch.tensor([documents]), asking, window)
    assert made.shape == (1, 1, asking, len(documents))
    for row in range(asking):
        t = len(documents) - asking + row
        for s in range(len(documents)):
            may = s <= t and documents[s] == documents[t] != 0 and (window is None or t - s < window)
            assert bool(made[0, 0, row, s]) == (may or s == t)


def test_no_mask_where_none_is_needed():
    assert not needs_mask(None, 5, 5, None) and not needs_mask(None, 1, 9, None) and not needs_mask(None, 5, 5, 5)
    assert needs_mask(None, 2, 9, None) and needs_mask(None, 1, 9, 5) and needs_mask(torch.ones(1, 3), 3, 3, None)
