"""The paired permutation test (Fisher 1935): could chance alone have made this difference?

If A and B were equally good, then which of the two got the better score on an item would be the toss of a coin. So the
signs of the differences are tossed anew, all 2^k ways where there are few, and the p-value is the share of tosses whose
sum is at least as far from zero as the real one. Differences of zero have no sign to toss. Where items share a document
the coin is tossed once for the document.

Worked example: differences +1, +1, +1. Two of the eight tosses, +++ and ---, are as extreme: p = 2/8 = 0.25.
"""

from collections.abc import Hashable, Sequence

from tiny_eval.stats.bootstrap import BLOCK, DRAWS, FEWEST, cluster_sums

EXACT = 16  # up to 2^16 = 65,536 tosses are all made
TOSSES = 9_999


def permutation_test(
    differences: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    seed: int = 0,
) -> tuple[float, bool]:
    """The two-sided p-value, and whether it is exact (otherwise 9,999 tosses were drawn)."""
    import numpy as np

    sums = [value for value in cluster_sums(differences, clusters)[0] if value]
    values = np.array(sums)
    k = len(values)
    # the same sum in another order may differ in its last bit, and is still as extreme
    extreme = abs(values.sum()) - 1e-12 * np.abs(values).sum()
    if k <= EXACT:
        tossed = np.zeros(1)
        for value in values:
            tossed = np.concatenate([tossed + value, tossed - value])
        return float((np.abs(tossed) >= extreme).mean()), True
    random = np.random.default_rng(seed)
    tosses = max(FEWEST, min(TOSSES, DRAWS // k))
    hits = 0
    for start in range(0, tosses, max(1, BLOCK // k)):
        rows = min(max(1, BLOCK // k), tosses - start)
        heads = np.unpackbits(np.frombuffer(random.bytes(rows * k // 8 + 1), np.uint8))[: rows * k].reshape(rows, k)
        hits += int((np.abs(2 * (heads @ values) - values.sum()) >= extreme).sum())
    return (hits + 1) / (tosses + 1), False  # the real signs are one of the tosses, so p is never 0
