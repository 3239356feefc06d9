"""Every pre-token is read once, however often it occurs."""

from itertools import pairwise


def count_pairs(count_of: dict[tuple[int, ...], int]) -> dict[tuple[int, int], int]:
    counts: dict[tuple[int, int], int] = {}
    for ids, count in count_of.items():
        for pair in pairwise(ids):
            counts[pair] = counts.get(pair, 0) + count
    return counts
