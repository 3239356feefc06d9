"""Count the items that tell the two apart, then the tosses."""

import math


def mcnemar(a: list[int], b: list[int]) -> float:
    pairs = list(zip(a, b, strict=True))
    only_a, only_b = pairs.count((1, 0)), pairs.count((0, 1))
    tosses, fewer = only_a + only_b, min(only_a, only_b)
    tail = sum(math.comb(tosses, heads) for heads in range(fewer + 1)) / 2**tosses
    return min(1.0, 2 * tail)
