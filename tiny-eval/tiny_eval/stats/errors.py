"""Standard error of a mean score, also when items share a document (Liang & Zeger 1986; Miller 2024, arXiv:2411.00640).

    independent items    se² = Σ (x - mean)² / (n - 1) / n
    G clusters           se² = G / (G - 1) · Σ_g (Σ_{i in g} (x_i - mean))² / n²

Ten questions about one text are not ten witnesses: a model that misreads the text misses most of them together. Inside
a cluster the deviations are therefore added before they are squared. With every item a cluster of its own both lines
are the same number. G / (G - 1) is the usual correction for few clusters, also statsmodels' (`cov_type="cluster"` for
a regression on a constant).

Worked example: scores 1, 1, 0, 0 have se = √(1/3 / 4) = 0.289. If the first two share one document and the last two
another, the deviations are 0.5 + 0.5 = 1 and -1: se = √(2/1 · (1 + 1) / 16) = 0.5.
"""

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence


def standard_error(scores: Sequence[float]) -> float:
    """Of the mean of independent scores; ValueError below two."""
    n = len(scores)
    if n < 2:
        raise ValueError(f"a standard error needs two scores or more (got {n})")
    mean = math.fsum(scores) / n
    return math.sqrt(math.fsum((score - mean) ** 2 for score in scores) / (n - 1) / n)


def clustered_error(scores: Sequence[float], clusters: Sequence[Hashable]) -> float:
    """Of the mean of scores that come in clusters; `clusters` names each score's. ValueError below two clusters."""
    n = len(scores)
    if n != len(clusters):
        raise ValueError(f"each score needs its cluster (got {n} scores and {len(clusters)} clusters)")
    mean = math.fsum(scores) / n if n else 0.0
    deviation: defaultdict[Hashable, float] = defaultdict(float)
    for score, cluster in zip(scores, clusters, strict=True):
        deviation[cluster] += score - mean
    count = len(deviation)
    if count < 2:
        raise ValueError(f"a clustered error needs two clusters or more (got {count})")
    return math.sqrt(count / (count - 1) * math.fsum(value**2 for value in deviation.values())) / n
