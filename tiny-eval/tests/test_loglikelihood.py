"""Accuracy by log-likelihood: numbers by hand, and every ranking of a small case."""

import math
from itertools import product

import pytest

from tiny_eval.metrics.loglikelihood import WAYS, ScoredChoice, accuracy, pick, values

EXAMPLE = ScoredChoice([" yes", " certainly not"], [-3.0, -6.5], answer=1, alone=[-2.0, -6.0])


def test_numbers_by_hand():
    assert values(EXAMPLE, "sum") == [-3.0, -6.5]
    assert values(EXAMPLE, "per_character") == [-1.0, -0.5]  # 3 and 13 characters: the leading blank isn't counted
    assert values(EXAMPLE, "mutual_information") == [-1.0, -0.5]
    assert [pick(EXAMPLE, way) for way in WAYS] == [0, 1, 1, 1]
    assert [accuracy([EXAMPLE], way) for way in WAYS] == [0, 1, 1, 1]


def test_bytes_and_characters_differ_for_chinese():
    question = ScoredChoice(["夜晚", "night"], [-4.0, -6.0], answer=0)
    assert values(question, "per_character") == [-2.0, -1.2]
    assert values(question, "per_byte") == [pytest.approx(-4 / 6), -1.2]
    assert (pick(question, "per_character"), pick(question, "per_byte")) == (1, 0)


def test_only_one_leading_blank_belongs_to_the_prompt():
    assert values(ScoredChoice(["  a"], [-2.0], 0), "per_character") == [-1.0]


def test_every_ranking_of_a_small_case_equals_the_definition():
    """Three options of length 1, 2 and 4 (bytes 1, 2, 12), log-probabilities from a grid, each option right once."""
    options, grid = ["a", "bc", "夜晚星空"], (-4.0, -2.0, -1.0)
    sizes = {"sum": (1, 1, 1), "per_character": (1, 2, 4), "per_byte": (1, 2, 12)}
    for logprobs in product(grid, repeat=3):
        for way, size in sizes.items():
            worth = [logprob / n for logprob, n in zip(logprobs, size, strict=True)]
            best = min(i for i in range(3) if worth[i] == max(worth))  # ties: the first
            questions = [ScoredChoice(options, logprobs, answer) for answer in range(3)]
            assert [pick(question, way) for question in questions] == [best] * 3
            assert accuracy(questions, way) == pytest.approx(1 / 3)
        for alone in product(grid, repeat=3):
            gain = [given - own for given, own in zip(logprobs, alone, strict=True)]
            assert pick(ScoredChoice(options, logprobs, 0, alone), "mutual_information") == gain.index(max(gain))


@pytest.mark.parametrize(
    "question, way, words",
    [
        (EXAMPLE, "acc", "'acc'.*sum, per_character"),
        (ScoredChoice(["a", ""], [-1, -1], 0), "per_byte", "option 1 is empty"),
        (ScoredChoice(["a", " "], [-1, -1], 0), "per_character", "option 1 is empty"),
        (ScoredChoice(["a", "b"], [-1, -1], 0), "mutual_information", "needs `alone`"),
        (ScoredChoice(["a", "b"], [-1], 0), "sum", "2 options, 1 log-prob"),
        (ScoredChoice(["a"], [-1], 1), "sum", "answer 1"),
        (ScoredChoice(["a", "b"], [-1, math.nan], 0), "sum", "NaN"),
    ],
)
def test_what_cannot_be_compared_is_refused(question, way, words):
    with pytest.raises(ValueError, match=words):
        pick(question, way)


def test_no_questions_are_refused():
    with pytest.raises(ValueError, match="got none"):
        accuracy([])
