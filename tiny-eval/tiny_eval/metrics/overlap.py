"""Precision, recall and F1 from three counts (van Rijsbergen 1979), and the rule that the best reference counts.

    precision = common / predicted      how much of the answer is right
    recall    = common / expected       how much of what was expected is there
    F         = 2 · precision · recall / (precision + recall)

By hand: 2 words in common, 4 predicted, 2 expected: precision 0.5, recall 1, F = 2 · 0.5 · 1 / 1.5 = 0.667.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple


class Overlap(NamedTuple):
    """All three between 0 and 1."""

    precision: float
    recall: float
    f: float


NOTHING = Overlap(0.0, 0.0, 0.0)


def overlap(common: int, predicted: int, expected: int) -> Overlap:
    """The three from counts of tokens; 0 where there's nothing to divide by."""
    if common == 0:
        return NOTHING
    precision, recall = common / predicted, common / expected
    return Overlap(precision, recall, 2 * precision * recall / (precision + recall))


def best(answers: Sequence[str], score: Callable[[str], float]) -> float:
    """The highest score over the references: whoever gave one of the accepted answers is right."""
    if not answers:
        raise ValueError("there is no reference to score against (answers is empty); give at least one")
    return max(score(answer) for answer in answers)
