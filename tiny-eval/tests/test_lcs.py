"""The bit-parallel LCS against rapidfuzz and against the textbook table, path and all."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import LCSseq

from pairs import pairs
from tiny_eval.metrics.lcs import lcs_length, lcs_positions

few_letters = st.text("abc", max_size=30)


def path_through_the_table(a, b):
    """The textbook: fill the table, then walk back from its last cell."""
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a, start=1):
        for j, y in enumerate(b, start=1):
            table[i][j] = table[i - 1][j - 1] + 1 if x == y else max(table[i - 1][j], table[i][j - 1])
    i, j = len(a), len(b)
    found: list[tuple[int, int]] = []
    while i and j:
        if a[i - 1] == b[j - 1]:
            i, j = i - 1, j - 1
            found.insert(0, (i, j))
        elif table[i][j - 1] > table[i - 1][j]:
            j -= 1
        else:
            i -= 1
    return found


def test_the_example_by_hand():
    assert lcs_length("abc", "ac") == 2
    assert lcs_positions("abc", "ac") == [(0, 0), (2, 1)]
    assert lcs_length("", "a") == lcs_length("a", "") == 0
    assert lcs_positions("", "a") == lcs_positions("a", "") == []


def test_length_equals_rapidfuzz_on_5000_pairs():
    for a, b in pairs(5_000, seed=1):
        assert lcs_length(a, b) == LCSseq.similarity(a, b)


def test_path_equals_the_textbook_on_5000_pairs():
    rng = random.Random(2)
    for _ in range(5_000):
        letters = "abcdefgh"[: rng.randint(1, 8)]
        a, b = ("".join(rng.choices(letters, k=rng.randint(0, 24))) for _ in range(2))
        assert lcs_positions(a, b) == path_through_the_table(a, b), (a, b)


@pytest.mark.parametrize("length", [63, 64, 65, 128, 1_000])
def test_nothing_happens_at_the_borders_of_machine_words(length):
    a, b = "ab" * length, "ba" * length
    assert lcs_length(a, b) == 2 * length - 1
    assert lcs_positions(a, b) == path_through_the_table(a, b)


@given(few_letters, few_letters)
def test_both_directions_and_the_path_agree_on_the_length(a, b):
    path = lcs_positions(a, b)
    assert len(path) == lcs_length(a, b) == lcs_length(b, a)
    assert all(a[i] == b[j] for i, j in path)
    assert path == sorted(path) and len({i for i, _ in path}) == len({j for _, j in path}) == len(path)


@given(st.lists(st.sampled_from(["the", "a", 3, ("x",)])))
def test_any_items_that_can_be_looked_up_will_do(items):
    assert lcs_length(items, items) == len(items)
    assert lcs_length(items, items[::2]) == len(items[::2])
