"""Masks: who may look at whom, against torch's own mask and the definition."""

import torch
from torch import nn

from tiny_transformer.masks import causal_mask, padding_mask


def test_causal_equals_torch():
    for length in (1, 2, 7):
        theirs = nn.Transformer.generate_square_subsequent_mask(length)  # 0 = may, -inf = may not
        assert torch.equal(causal_mask(length), theirs == 0)


def test_causal_by_definition():
    mask = causal_mask(5)
    assert mask.dtype == torch.bool
    assert all(mask[t, s].item() == (s <= t) for t in range(5) for s in range(5))


def test_padding_hides_the_keys_that_are_padding():
    ids = torch.tensor([[5, 6, 0], [7, 0, 0]])
    assert padding_mask(ids, 0).shape == (2, 1, 1, 3)
    assert padding_mask(ids, 0)[:, 0, 0].tolist() == [[True, True, False], [True, False, False]]
    assert padding_mask(ids, 7)[:, 0, 0].tolist() == [[True, True, True], [False, True, True]]


def test_both_together():
    mask = causal_mask(3) & padding_mask(torch.tensor([[5, 6, 0], [7, 0, 0]]), 0)
    assert mask.shape == (2, 1, 3, 3)
    assert mask[0, 0].int().tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 0]]
    assert mask[1, 0].int().tolist() == [[1, 0, 0], [1, 0, 0], [1, 0, 0]]
