"""Three outcomes of an item: a score, or "not measured" with its reason; and what that makes of the mean.

An answer that is wrong and an answer that nobody could read are different findings. Counting the second as zero blames
the model for a broken server; leaving it out flatters a model that fails on what is hard. So the mean is given over
what was measured, and beside it the range in which it would lie had everything been measured (worst and best case, as
Manski 1990 bounds a mean with missing values):

    scores 1, 0, 1, and one item not measured:  2/3 = 66.7, range 2/4 = 50 to 3/4 = 75
"""

from collections.abc import Sequence
from dataclasses import dataclass

ERROR = "error"  # no answer: the server failed, the row says so
TRUNCATED = "truncated"  # the answer was cut off before its end
UNPARSED = "unparsed"  # there is an answer, but no extractor found in it what was asked for
REASONS = (ERROR, TRUNCATED, UNPARSED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """`score` is 0 (wrong) to 1 (right), or None with the reason why it was not measured."""

    score: float | None
    reason: str = ""

    def __post_init__(self) -> None:
        if (self.score is None) != (self.reason in REASONS):
            raise ValueError(f"either a score or a reason of {REASONS} (got {self.score}, {self.reason!r})")


@dataclass(frozen=True, slots=True)
class Range:
    """The mean over what was measured, and where it could lie; None where there is nothing to take a mean of."""

    mean: float | None
    low: float | None
    high: float | None


def mean_range(scores: Sequence[float], not_measured: int) -> Range:
    """`scores` are 0 to 1; each item that was not measured counts 0 in `low` and 1 in `high`."""
    everything = len(scores) + not_measured
    if not everything:
        return Range(None, None, None)
    total = sum(scores)
    mean = total / len(scores) if scores else None
    return Range(mean, total / everything, (total + not_measured) / everything)
