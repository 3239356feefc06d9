"""Exercises: what each answer is graded, and that the tests of a track catch a solved stub and a broken solution."""

import subprocess
import sys
from array import array
from pathlib import Path

import pytest
from tiny_shared import UserError
from tiny_shared.exercises import Grade, Wrong, exercise_tests, expect, grade, names

STUB = '"""Return the double of x."""\n\n\ndef double(x):\n    raise NotImplementedError("your turn")\n'
GRADER = """\
from toy_answers import DOUBLE_OF_3
from tiny_shared.exercises import expect

def check(answer):
    expect("double(3)", answer.double(3), DOUBLE_OF_3)
"""


@pytest.fixture
def track(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny-toy"
    for path, text in {
        "exercises/01_double.py": STUB,
        "exercises/graders/01_double.py": GRADER,
        "tests/solutions/01_double.py": STUB.replace('raise NotImplementedError("your turn")', "return 2 * x"),
        "toy_answers.py": "DOUBLE_OF_3 = 6\n",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def graded(track: Path, body: str) -> Grade:
    answer = track / "exercises" / "01_double.py"
    answer.write_text(STUB.replace('raise NotImplementedError("your turn")', body), encoding="utf-8")
    return grade(track, "01_double", answer)


def test_the_three_states(track):
    assert graded(track, 'raise NotImplementedError("your turn")').state == "your turn"
    assert graded(track, "return x + 3") == Grade("01_double", "done")
    assert graded(track, "return x") == Grade("01_double", "not yet", "double(3) is 3; expected 6")


@pytest.mark.parametrize(
    ("body", "reason"),
    [("return x / 0", "ZeroDivisionError: division by zero (line 5)"), ("return (", "SyntaxError: ")],
)
def test_code_that_fails_is_a_wrong_answer_with_its_line(track, body, reason):
    result = graded(track, body)
    assert (result.state, result.reason[: len(reason)]) == ("not yet", reason)


@pytest.mark.parametrize(
    ("got", "wanted", "tolerance"),
    [
        (1, 1, 0),
        (1.05, 1, 0.1),
        ([1, (2, 3)], ([1, [2, 3]]), 0),
        (array("d", [1.0, 2.0]), [1.01, 2], 0.1),
        ("a", "a", 0),
    ],
)
def test_expect_accepts(got, wanted, tolerance):
    expect("it", got, wanted, tolerance)


@pytest.mark.parametrize(
    ("got", "wanted"),
    [(1, 2), (float("nan"), 1.0), ([1], [1, 2]), ([1, 2], [1, 3]), (None, 0), ("1", 1), (array("d", [1.0]), 1)],
)
def test_expect_refuses(got, wanted):
    with pytest.raises(Wrong, match="it is .*; expected "):
        expect("it", got, wanted, tolerance=0.5)


def test_the_tests_of_a_track_hold_stub_and_solution(track, tmp_path):
    test = exercise_tests(track)
    assert [mark.args for mark in vars(test)["pytestmark"]] == [("name", ["01_double"])]
    test("01_double", tmp_path)
    solution = track / "tests" / "solutions" / "01_double.py"
    right = solution.read_text(encoding="utf-8")
    solution.write_text(STUB, encoding="utf-8")
    with pytest.raises(Wrong, match="'your turn' .* expected 'done'"):
        test("01_double", tmp_path)
    solution.write_text(right, encoding="utf-8")
    (track / "exercises" / "01_double.py").write_text(right, encoding="utf-8")
    with pytest.raises(Wrong, match="'done' .* expected 'your turn'"):
        test("01_double", tmp_path)


def test_a_learner_who_has_filled_in_a_committed_stub_still_passes(track, tmp_path):
    identity = ["-c", "user.name=learner", "-c", "user.email=learner@example.org"]
    for words in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "stubs"]):
        subprocess.run(["git", "-C", str(track), *words], check=True)
    assert graded(track, "return 2 * x").state == "done"
    exercise_tests(track)("01_double", tmp_path)


def test_a_folder_without_exercises_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no exercise"):
        names(tmp_path)


@pytest.mark.parametrize(
    ("body", "code", "printed"),
    [
        (
            'raise NotImplementedError("your turn")',
            0,
            "your turn  01_double             open exercises/01_double.py\n0 of 1 done\n",
        ),
        ("return 2 * x", 0, "done       01_double\n1 of 1 done\n"),
        ("return x", 1, "not yet    01_double             double(3) is 3; expected 6\n0 of 1 done\n"),
    ],
)
def test_the_command_line(track, body, code, printed):
    graded(track, body)
    command = [sys.executable, "-m", "tiny_shared.exercises", str(track)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert (done.returncode, done.stdout) == (code, printed)
