"""Batches: every pair once, within the limit, little padding, and chance only from the generator."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tiny_transformer.batches import bucketed, collate, padded

SIDE = st.lists(st.integers(3, 9), max_size=12)
PAIRS = st.lists(st.tuples(SIDE, SIDE), max_size=60)


def width(pair):
    """With bos or eos."""
    return max(map(len, pair)) + 1


@given(PAIRS, st.integers(1, 60), st.one_of(st.none(), st.integers(0, 99)))
def test_every_pair_once_and_within_the_limit(pairs, limit, seed):
    batches = bucketed(pairs, limit, None if seed is None else torch.Generator().manual_seed(seed))
    assert sorted(number for batch in batches for number in batch) == list(range(len(pairs)))
    for batch in batches:
        assert batch
        positions = len(batch) * max(width(pairs[number]) for number in batch)
        assert positions <= limit or len(batch) == 1


@given(PAIRS, st.integers(10, 60))
def test_no_batch_could_take_the_next_pair_too(pairs, limit):
    batches = bucketed(pairs, limit)
    for batch, after in pairwise(batches):
        grown = [*batch, after[0]]
        assert len(grown) * max(width(pairs[number]) for number in grown) > limit


@given(PAIRS, st.integers(10, 60), st.integers(0, 99))
def test_the_generator_decides_alone(pairs, limit, seed):
    first, second = (bucketed(pairs, limit, torch.Generator().manual_seed(seed)) for _ in range(2))
    assert first == second


def test_chance_mixes_pairs_and_batches():
    pairs = [([3] * n, [4] * n) for n in range(1, 11) for _ in range(20)]
    generator = torch.Generator().manual_seed(0)
    first, second = bucketed(pairs, 60, generator), bucketed(pairs, 60, generator)
    assert first != second and sorted(map(sorted, first)) != sorted(map(sorted, second))
    assert [width(pairs[batch[0]]) for batch in first] != sorted(width(pairs[batch[0]]) for batch in first)
    assert len(first) == len(second)


def test_equal_lengths_stand_together():
    """Of 1,000 pairs with lengths from 1 to 40, hardly a position is padding."""
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(1, 41, (1000,), generator=generator).tolist()
    pairs = [([3] * n, [3] * n) for n in lengths]
    batches = [collate([pairs[number] for number in batch], 0, 1, 2) for batch in bucketed(pairs, 400, generator)]
    total = sum(batch.source_BS.numel() for batch in batches)
    assert sum(lengths) + 1000 >= 0.95 * total


def test_collate_by_hand():
    batch = collate([([5, 6, 7], [8]), ([5], [8, 9])], pad_id=0, bos_id=1, eos_id=2)
    assert batch.source_BS.tolist() == [[5, 6, 7, 2], [5, 2, 0, 0]]
    assert batch.target_in_BT.tolist() == [[1, 8, 0], [1, 8, 9]]
    assert batch.target_out_BT.tolist() == [[8, 2, 0], [8, 9, 2]]
    assert batch.to("cpu").source_BS.dtype == torch.int64


@given(st.lists(st.tuples(SIDE, SIDE), min_size=1, max_size=8))
def test_target_in_predicts_target_out(pairs):
    batch = collate(pairs, 0, 1, 2)
    for row_in, row_out, (_, target) in zip(batch.target_in_BT, batch.target_out_BT, pairs, strict=True):
        assert row_in[row_in != 0].tolist() == [1, *target]
        assert row_out[row_out != 0].tolist() == [*target, 2]


@pytest.mark.parametrize("pad", [0, 7])
def test_padded(pad):
    assert padded([[1], [2, 3]], pad).tolist() == [[1, pad], [2, 3]]
