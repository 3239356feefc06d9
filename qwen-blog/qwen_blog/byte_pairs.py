"""Byte pair encoding (Sennrich et al. 2016, arXiv:1508.07909), the half that a finished tokenizer needs: merging.

A text is its UTF-8 bytes; the pair with the lowest rank is joined first, again and again, until no pair has a rank.
"""

from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush
from itertools import pairwise

# The official files spell bytes in characters that can be printed: themselves where that is possible, else U+0100 on.
PRINTABLE = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
OTHERS = [byte for byte in range(256) if byte not in PRINTABLE]
BYTE_OF = {chr(byte): byte for byte in PRINTABLE} | {chr(256 + place): byte for place, byte in enumerate(OTHERS)}
CHARACTER_OF = {byte: character for character, byte in BYTE_OF.items()}


def merge(parts: Sequence[int], merges: Mapping[tuple[int, int], tuple[int, int]]) -> list[int]:
    """Token ids -> fewer token ids. `merges`: (left, right) -> (rank, joined).

    A heap holds the pairs that can be joined, a chain who follows whom: n log n steps, also for a long text.
    """
    ids: list[int | None] = list(parts)
    after = [*range(1, len(ids)), -1]
    before = [*range(-1, len(ids) - 1)]
    heap = [(merges[pair][0], place, pair) for place, pair in enumerate(pairwise(parts))
            if pair in merges]  # fmt: skip
    heapify(heap)
    while heap:
        _, left, pair = heappop(heap)
        right = after[left]
        if right < 0 or (ids[left], ids[right]) != pair:
            continue  # one of the two has been joined with another since
        ids[left], ids[right] = merges[pair][1], None
        after[left] = after[right]
        if after[left] >= 0:
            before[after[left]] = left
        for place in (before[left], left):
            if place >= 0 and after[place] >= 0:
                first, second = ids[place], ids[after[place]]
                if first is not None and second is not None and (first, second) in merges:
                    heappush(heap, (merges[first, second][0], place, (first, second)))
    return [id for id in ids if id is not None]
