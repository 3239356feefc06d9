"""Two lists of scores for the same items: what is their difference worth?

Both lists share the items, and hard items are hard for both. Taking the difference item by item removes what they
share, so its error is usually far smaller than the two errors put together:

    difference d_i = a_i - b_i        se(mean d)² = (var a + var b - 2 cov(a, b)) / n

The interval is mean ± t · se with one degree of freedom less than there are items (clusters, where they share one).
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

from tiny_eval.stats.bootstrap import bootstrap_interval
from tiny_eval.stats.errors import clustered_error, standard_error
from tiny_eval.stats.mcnemar import McNemar, mcnemar
from tiny_eval.stats.permutation import permutation_test
from tiny_eval.stats.power import items_needed
from tiny_eval.stats.student_t import t_cdf, t_quantile


@dataclass(frozen=True, slots=True)
class Paired:
    """`difference` is mean_a - mean_b, in the unit of the scores; `low` to `high` is its interval at `level`."""

    n: int
    clusters: int | None
    mean_a: float
    mean_b: float
    stderr_a: float
    stderr_b: float
    difference: float
    stderr: float
    level: float
    low: float
    high: float
    bootstrap_low: float
    bootstrap_high: float
    p_t: float
    p_permutation: float
    permutation_exact: bool
    mcnemar: McNemar | None  # only where every score is 0 or 1
    items_needed: int | None  # None where there is no difference to settle

    def scaled(self, factor: float) -> "Paired":
        """The same in another unit: 100 makes points of shares."""
        return replace(self, **{name: factor * getattr(self, name) for name in IN_UNITS})


IN_UNITS = (
    "mean_a", "mean_b", "stderr_a", "stderr_b", "difference", "stderr", "low", "high", "bootstrap_low", "bootstrap_high"
)  # fmt: skip


def paired(
    a: Sequence[float],
    b: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Paired:
    """`a[i]` and `b[i]` belong to the same item, `clusters[i]` names what it shares with others."""
    if len(a) != len(b):
        raise ValueError(f"paired scores need the same items (got {len(a)} and {len(b)})")
    if len(a) < 2:
        raise ValueError(f"a comparison needs two items or more (got {len(a)})")
    a, b = [float(score) for score in a], [float(score) for score in b]
    differences = [ours - theirs for ours, theirs in zip(a, b, strict=True)]
    groups = None if clusters is None else len(set(clusters))

    def error(scores: list[float]) -> float:
        return standard_error(scores) if clusters is None else clustered_error(scores, clusters)

    n, freedom = len(a), (groups or len(a)) - 1
    mean_a, mean_b = sum(a) / n, sum(b) / n
    difference, stderr = sum(differences) / n, error(differences)
    margin = t_quantile((1 + level) / 2, freedom) * stderr
    p_t = 2 * t_cdf(-abs(difference / stderr), freedom) if stderr else float(difference == 0)
    p_permutation, exact = permutation_test(differences, clusters, seed)
    bootstrap_low, bootstrap_high = bootstrap_interval(differences, clusters, level, seed)
    return Paired(
        n, groups, mean_a, mean_b, error(a), error(b),
        difference, stderr, level, difference - margin, difference + margin, bootstrap_low, bootstrap_high,
        p_t, p_permutation, exact,
        mcnemar(a, b) if {*a, *b} <= {0.0, 1.0} else None,
        items_needed(n, stderr, difference, level) if difference else None,
    )  # fmt: skip
