"""McNemar's test (1947) for right-or-wrong items, exact, and its mid-p variant (Lancaster 1961).

Items that both got right or both got wrong say nothing about which is better. Of the others, b are A's alone and c are
B's alone; if the two were equally good, b would be the number of heads in b + c tosses of a coin:

    exact p = 2 · P(X <= min(b, c)), at most 1        mid-p = exact p before that cut, minus P(X = min(b, c))

Worked example: b = 8, c = 2: P(X <= 2) = (1 + 10 + 45) / 1024, so p = 112 / 1024 = 0.109 and mid-p = 67 / 1024 = 0.065.
The exact test errs on the careful side, because b can't be a fraction; mid-p takes half of that care away.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class McNemar:
    only_a: int
    only_b: int
    p: float
    mid_p: float


def mcnemar(a: Sequence[float], b: Sequence[float]) -> McNemar:
    """`a` and `b` are 0 or 1 item by item; ValueError for anything in between."""
    if not {*a, *b} <= {0, 1}:
        raise ValueError("McNemar's test is for scores of 0 and 1 only; use the permutation test")
    pairs = list(zip(a, b, strict=True))
    only_a, only_b = pairs.count((1, 0)), pairs.count((0, 1))
    tosses, fewer = only_a + only_b, min(only_a, only_b)
    point = math.comb(tosses, fewer) / (1 << tosses)
    tail, term = 0.0, point
    for k in range(fewer, -1, -1):  # P(X = k - 1) = P(X = k) · k / (n - k + 1)
        tail += term
        term *= k / (tosses - k + 1)
        if term < tail * 1e-18:
            break
    return McNemar(only_a, only_b, min(1.0, 2 * tail), 2 * tail - point)
