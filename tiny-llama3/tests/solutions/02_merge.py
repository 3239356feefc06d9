"""The pair that was learned first goes first: no other merge can have counted on its tokens."""

from itertools import pairwise


def merge(ids: list[int], pair: tuple[int, int], new: int) -> list[int]:
    joined: list[int] = []
    place = 0
    while place < len(ids):
        if tuple(ids[place : place + 2]) == pair:
            joined.append(new)
            place += 2
        else:
            joined.append(ids[place])
            place = place + 1
    return joined


def encode(ids: list[int], rank_of: dict[tuple[int, int], int]) -> list[int]:
    while known := [pair for pair in pairwise(ids) if pair in rank_of]:
        best = min(known, key=lambda pair: rank_of[pair])
        ids = merge(ids, best, 256 + rank_of[best])
    return ids
