"""Retrieval and count against LongBench's definitions, written down here a second time from their description."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiny_eval.metrics import SCORERS

PIECES = ["3", "12", "7", "07", "1,000", "３", "٣", "²", "3.5", "Paragraph ", "段落", " ", "and", "。", "\n", "-3", "x"]
LABELS = {"retrieval": "Paragraph ", "retrieval_zh": "段落", "count": ""}
some_pieces = st.lists(st.sampled_from(PIECES)).map("".join)


def numbers(text):
    """Runs of decimal digits of any script, by walking."""
    found, run = [], ""
    for character in text + " ":
        if character.isdecimal():
            run += character
        elif run:
            found.append(run)
            run = ""
    return found


def reference(pred, number):
    said = numbers(pred)
    return sum(one == number for one in said) / len(said) if said else 0.0


def test_5000_rows_score_as_in_longbench():
    rng = random.Random(51)
    for _ in range(5_000):
        pred = "".join(rng.choices(PIECES, k=rng.choice([0, 1, 3, 10, 200])))
        number = rng.choice(["3", "12", "7", "07", "３", "1"])
        for name, label in LABELS.items():
            after = rng.choice(["", "\n", " (of 30)", "。"]) if label else ""
            score = SCORERS[name](pred, [f"{label}{number}{after}"])
            assert score == pytest.approx(reference(pred, number), abs=1e-9), (name, pred, number)


@given(some_pieces, st.integers(0, 200).map(str))
def test_any_row_scores_as_in_longbench(pred, number):
    for name, label in LABELS.items():
        assert SCORERS[name](pred, [label + number]) == pytest.approx(reference(pred, number), abs=1e-9)


def test_the_example_by_hand():
    pred = "Paragraph 7, or perhaps 12 or 7"
    assert SCORERS["retrieval"](pred, ["Paragraph 7"]) == pytest.approx(2 / 3)
    assert SCORERS["retrieval_zh"]("答案是段落7", ["段落7"]) == 1
    assert SCORERS["count"]("There are 17.", ["17"]) == 1
    assert SCORERS["count"]("1,000", ["1000"]) == SCORERS["count"]("07", ["7"]) == SCORERS["count"]("", ["7"]) == 0


def test_the_best_reference_counts():
    assert SCORERS["retrieval"]("Paragraph 7", ["Paragraph 1", "Paragraph 7"]) == 1
    assert SCORERS["count"]("7 8 8", ["7", "8"]) == pytest.approx(2 / 3)


@pytest.mark.parametrize("name, answer", [("retrieval", "段落7"), ("retrieval_zh", "Paragraph 7"), ("retrieval", "")])
def test_a_reference_without_a_paragraph_is_named(name, answer):
    with pytest.raises(ValueError, match="is this the metric of this file"):
        SCORERS[name]("7", [answer])
