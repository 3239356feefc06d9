"""Is a mean difference more than chance? The paired bootstrap (Efron & Tibshirani 1993, chapter 16).

Both systems answered the same queries, so what is resampled is the difference at each query: the queries that are hard
for both then cancel out.
"""

import numpy as np

RESAMPLES = 10_000


def paired_bootstrap(differences_Q: np.ndarray, seed: int = 0) -> tuple[float, float, float, float]:
    """Mean difference, the ends of its 95% interval, and the two-sided p of "there is none"."""
    rng = np.random.default_rng(seed)
    means = np.array([rng.choice(differences_Q, len(differences_Q)).mean() for _ in range(RESAMPLES)])
    low, high = np.quantile(means, [0.025, 0.975])
    crossing = min(np.count_nonzero(means <= 0), np.count_nonzero(means >= 0))
    p = min(2 * (crossing + 1) / (RESAMPLES + 1), 1.0)  # one more: a p of exactly 0 would claim too much
    return float(differences_Q.mean()), float(low), float(high), p
