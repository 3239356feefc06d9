"""pass@k, unbiased (Chen et al. 2021, arXiv:2107.03374): would one of k programs pass the tests?

Draw n ≥ k samples for a problem; c of them pass. The chance that k drawn from these n are all among the failures is

    C(n − c, k) / C(n, k)      so      pass@k = 1 − C(n − c, k) / C(n, k)

By hand: n = 4, c = 1, k = 2. Of the 6 pairs, C(3, 2) = 3 hold no passing sample: pass@2 = 1 − 3/6 = 0.5. The tempting
1 − (1 − c/n)^k = 1 − (3/4)² = 0.4375 draws with replacement, and is too low on average.
"""

import math
from collections.abc import Iterable


def pass_at_k(n: int, c: int, k: int) -> float:
    """The chance that at least one of `k` samples, drawn from `n` of which `c` pass, passes."""
    if not (0 <= c <= n and 1 <= k <= n):
        raise ValueError(f"pass@k needs 0 <= c <= n and 1 <= k <= n (got n={n}, c={c}, k={k}); draw at least k samples")
    total = math.comb(n, k)
    return (total - math.comb(n - c, k)) / total  # whole numbers up to the division: nothing is lost


def mean_pass_at_k(problems: Iterable[tuple[int, int]], k: int) -> float:
    """pass@k over problems, each given as (samples, passing samples): the mean of the problems' own."""
    scores = [pass_at_k(n, c, k) for n, c in problems]
    if not scores:
        raise ValueError("pass@k needs at least one problem (got none)")
    return math.fsum(scores) / len(scores)
