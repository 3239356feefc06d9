"""One minus the chance that all k are among the failures; comb is 0 where there aren't k failures."""

import math


def pass_at_k(n: int, c: int, k: int) -> float:
    return 1 - math.comb(n - c, k) / math.comb(n, k)
