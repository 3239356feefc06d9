"""Code similarity against rapidfuzz, on the line that LongBench picks."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz import fuzz

from pairs import pairs
from tiny_eval.metrics import SCORERS
from tiny_eval.metrics.code_sim import code_line

code_sim = SCORERS["code_sim"]
some_code = st.lists(st.sampled_from(["x", " = ", "foo(", ")", "\n", "#", "//", "/", "`", "return ", "    "])).map(
    "".join
)


def reference_line(text):
    """The first line without a fence or a comment, found by one regular expression."""
    text = re.sub(r"\A\n+", "", text)
    found = re.search(r"^(?:(?!//)[^\n`#])*$", text, re.MULTILINE)
    return found.group() if found else ""


def reference(pred, answer):
    return round(fuzz.ratio(reference_line(pred), answer)) / 100


def test_5000_pairs_score_as_by_rapidfuzz():
    for pred, answer in pairs(5_000, seed=61):
        assert code_sim(pred, [answer]) == pytest.approx(reference(pred, answer), abs=1e-9), (pred, answer)


@given(some_code, some_code)
def test_any_code_scores_as_by_rapidfuzz(pred, answer):
    assert code_line(pred) == reference_line(pred)
    assert code_sim(pred, [answer]) == pytest.approx(reference(pred, answer), abs=1e-9)


def test_half_a_percent_is_rounded_as_it_comes_out_of_rapidfuzz():
    """The same ratio computed another way is a last bit off, and falls on the other side of the half."""
    halves = [
        (common, total) for total in range(2, 801) for common in range(total // 2 + 1) if 400 * common % total == 0
    ]
    halves = [(common, total) for common, total in halves if 400 * common // total % 2 == 1]
    assert len(halves) > 500
    for common, total in halves:
        a, b = "x" * (total // 2), "x" * common + "y" * (total - total // 2 - common)
        assert code_sim(a, [b]) == round(fuzz.ratio(a, b)) / 100, (common, total)


def test_the_example_by_hand():
    assert code_sim("x = 1", ["x = 10"]) == 0.91
    assert code_sim("x = 1\nwhatever follows", ["y", "x = 10"]) == 0.91


@pytest.mark.parametrize(
    "text, line",
    [
        ("\n\nreturn x\nreturn y", "return x"),
        ("```python\n# a comment\nreturn x", "return x"),
        ("x = 1  # one\ny = 2 // 3\nz = 3", "z = 3"),
        ("# nothing else", ""),
        (" \nreturn x", " "),
        ("", ""),
    ],
)
def test_the_first_line_of_code_counts(text, line):
    assert code_line(text) == line


def test_empty_texts():
    assert code_sim("", [""]) == 1
    assert code_sim("", ["x"]) == code_sim("x", [""]) == 0
