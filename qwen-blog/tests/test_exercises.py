"""The exercises: a stub is "your turn", its kept solution is "done", and a mistake that is easily made is "not yet"."""

from pathlib import Path

import pytest
from tiny_shared.exercises import exercise_tests, grade

TRACK = Path(__file__).resolve().parents[1]

test_exercise = exercise_tests(TRACK)

# exercise, a place in its solution, the mistake to write there, and a piece of what the learner is told
MISTAKES = [
    ("01_rms_norm", ".mean(-1, keepdim=True)", ".sum(-1, keepdim=True)", "rms_norm([3.0, 4.0]"),
    ("01_rms_norm", "wide.square()", "(wide - wide.mean(-1, keepdim=True)).square()", "rms_norm([3.0, 4.0]"),
    ("01_rms_norm", " + eps)", ")", "eps keeps the root away from 0"),
    ("01_rms_norm", "x.float()", "x", "in bfloat16"),
    ("01_rms_norm", ".to(x.dtype)", "", "the type of rms_norm"),
    ("02_grouped_heads", "query_head // (query_heads // key_heads)", "query_head % key_heads", "neighbours share one"),
    ("02_grouped_heads", "2 * layers", "layers", "12288"),
    ("03_mask", "documents[place] == own != 0", "documents[place] == own", "may_look([0, 0, "),
    ("03_mask", "asking - place < window", "asking - place <= window", "may_look([0, 1, 1, 1, 2], 2)"),
    ("03_mask", "range(asking)", "range(len(documents))", "may_look([0, 1, 1, 1, 2], 2)"),
    ("04_route", "if normalised else 1.0", "if not normalised else 1.0", "not normalised"),
    ("04_route", "logit - top", "logit", "math range error"),
    ("04_route", ", reverse=True", "", "the experts of the text"),
    ("05_induction", "t - half + 1", "t - half", "the score of the example"),
    ("05_induction", "/ half", "/ len(weights)", "the score of the example"),
    ("06_chatml", 'or "<|im_end|>" in message["content"]', "", "expected ValueError"),
    ("06_chatml", "* prompt", "", "False"),
    ("07_balance", "experts * sum(", "sum(", "0.8, 0.2"),
    ("07_balance", "row.index(max(row))", "row.index(min(row))", "1.4"),
]


@pytest.mark.parametrize(("name", "right", "wrong", "told"), MISTAKES)
def test_a_mistake_is_caught_and_named(name, right, wrong, told, tmp_path):
    solution = (TRACK / "tests" / "solutions" / f"{name}.py").read_text(encoding="utf-8")
    assert right in solution
    attempt = tmp_path / f"{name}.py"
    attempt.write_text(solution.replace(right, wrong), encoding="utf-8")
    result = grade(TRACK, name, attempt)
    assert (result.state, told in result.reason) == ("not yet", True), result
