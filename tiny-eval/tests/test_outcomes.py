"""Three outcomes, and the range that a mean could lie in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiny_eval.outcomes import ERROR, REASONS, Outcome, Range, mean_range


def test_the_example_of_the_module():
    found = mean_range([1, 0, 1], 1)
    assert found.mean == pytest.approx(2 / 3)
    assert (found.low, found.high) == (0.5, 0.75)


@pytest.mark.parametrize(
    ("scores", "missing", "expected"),
    [([], 0, Range(None, None, None)), ([], 3, Range(None, 0.0, 1.0)), ([0.5], 0, Range(0.5, 0.5, 0.5))],
)
def test_the_ends(scores, missing, expected):
    assert mean_range(scores, missing) == expected


@given(st.lists(st.floats(0, 1), min_size=1), st.lists(st.floats(0, 1)))
def test_whatever_the_missing_scores_are_the_mean_lies_in_the_range(scores, missing):
    found = mean_range(scores, len(missing))
    truth = sum(scores + missing) / len(scores + missing)
    assert found.low is not None
    assert found.high is not None
    assert found.low - 1e-9 <= truth <= found.high + 1e-9


@pytest.mark.parametrize(("score", "reason"), [(None, ""), (None, "tired"), (0.5, ERROR)])
def test_an_outcome_is_a_score_or_a_reason(score, reason):
    with pytest.raises(ValueError, match="either a score or a reason"):
        Outcome(score, reason)


def test_every_reason_makes_an_outcome():
    assert [Outcome(None, reason).reason for reason in REASONS] == list(REASONS)
