"""The percentile bootstrap (Efron 1979): an interval for a mean without a formula for its error.

Draw as many items as there are, with replacement, take the mean, and do it ten thousand times: the middle 95 % of those
means are the interval. Where items share a document, whole documents are drawn, since those are what might have been
others. Which scores come is chance, so the same seed gives the same interval.
"""

from collections.abc import Hashable, Sequence

RESAMPLES = 10_000
FEWEST = 1_000
DRAWS = 200_000_000  # beyond 20,000 items fewer resamples: their interval is that of a normal distribution anyway
BLOCK = 2_000_000  # draws held in memory at a time


def bootstrap_interval(
    scores: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    level: float = 0.95,
    seed: int = 0,
    resamples: int | None = None,
) -> tuple[float, float]:
    """Low and high end of the interval for the mean of `scores`."""
    import numpy as np

    if not len(scores):
        raise ValueError("an interval needs at least one score")
    sums, sizes = cluster_sums(scores, clusters)
    total, count = np.array(sums), np.array(sizes, dtype=float)
    n = len(total)
    resamples = resamples or max(FEWEST, min(RESAMPLES, DRAWS // n))
    random = np.random.default_rng(seed)
    means = []
    for start in range(0, resamples, max(1, BLOCK // n)):
        drawn = random.integers(0, n, size=(min(max(1, BLOCK // n), resamples - start), n), dtype=np.int32)
        # clusters differ in size: the mean of a resample is over the items that it happens to hold
        means.append(total[drawn].sum(axis=1) / (count[drawn].sum(axis=1) if clusters is not None else n))
    low, high = np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def cluster_sums(scores: Sequence[float], clusters: Sequence[Hashable] | None) -> tuple[list[float], list[int]]:
    """Sum and size of each cluster, in order of appearance; without clusters each score is its own."""
    if clusters is None:
        return [float(score) for score in scores], [1] * len(scores)
    if len(scores) != len(clusters):
        raise ValueError(f"each score needs its cluster (got {len(scores)} scores and {len(clusters)} clusters)")
    sums: dict[Hashable, float] = {}
    sizes: dict[Hashable, int] = {}
    for score, cluster in zip(scores, clusters, strict=True):
        sums[cluster] = sums.get(cluster, 0.0) + score
        sizes[cluster] = sizes.get(cluster, 0) + 1
    return list(sums.values()), list(sizes.values())
