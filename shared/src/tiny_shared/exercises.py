"""Exercises: stubs that a learner fills in, each graded against an oracle (an idea of Karpathy's minbpe).

exercises/NN_name.py           explains the task; its function raises NotImplementedError("your turn")
exercises/graders/NN_name.py   check(answer): calls the learner's function, `answer.idf(3)`, and uses `expect`
tests/solutions/NN_name.py     a kept solution; the tests prove that it passes, and that the stub does not

python -m tiny_shared.exercises TRACK
"""

import importlib
import importlib.util
import subprocess
import sys
import traceback
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from tiny_shared import UserError


class Wrong(Exception):
    """An answer that isn't right; the message names the question, the answer, and what was expected."""


def expect(question: str, got: Any, wanted: Any, tolerance: float = 0.0) -> None:
    """Raise Wrong unless `got` equals `wanted`; numbers, also inside lists and arrays, up to `tolerance`."""
    if not _same(got, wanted, tolerance):
        raise Wrong(f"{question} is {_short(got)}; expected {_short(wanted)}")


def _same(got: Any, wanted: Any, tolerance: float) -> bool:
    # tolist: a NumPy array or number, or a tensor
    got, wanted = (value.tolist() if hasattr(value, "tolist") else value for value in (got, wanted))
    if isinstance(got, list | tuple) and isinstance(wanted, list | tuple):
        return len(got) == len(wanted) and all(_same(g, w, tolerance) for g, w in zip(got, wanted, strict=True))
    if isinstance(got, int | float) and isinstance(wanted, int | float):
        return abs(got - wanted) <= tolerance
    return bool(got == wanted)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."


@dataclass(frozen=True)
class Grade:
    """`state` is "done", "your turn" (the stub still raises NotImplementedError) or "not yet", with the reason."""

    name: str
    state: str
    reason: str = ""


def names(track: Path) -> list[str]:
    """The exercises in their order."""
    found = sorted(path.stem for path in (track / "exercises").glob("[0-9][0-9]_*.py"))
    if not found:
        raise UserError(f"{track / 'exercises'} holds no exercise (NN_name.py); check the path")
    return found


def grade(track: Path, name: str, answer: Path) -> Grade:
    """Execute the file `answer`, the learner's own code, and let the grader of exercise `name` look at it."""
    path_before = sys.path[:]
    sys.path.insert(0, str(track.resolve()))  # the grader compares with the track's package
    try:
        check = _load(track / "exercises" / "graders" / f"{name}.py").check
        check(_load(answer))
    except NotImplementedError:
        return Grade(name, "your turn", f"open exercises/{name}.py")
    except Wrong as error:
        return Grade(name, "not yet", str(error))
    except Exception as error:  # whatever the learner's code raises is an answer that is not right yet
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(answer)]
        where = f" (line {lines[-1]})" if lines else ""
        return Grade(name, "not yet", f"{type(error).__name__}: {error}{where}")
    finally:
        sys.path[:] = path_before
    return Grade(name, "done")


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"exercise_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UserError(f"{path} is not a Python file; name it NN_name.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def exercise_tests(track: Path) -> Callable[[str, Path], None]:
    """For a track's tests/test_exercises.py: `test_exercise = exercise_tests(Path(__file__).parents[1])`."""
    import pytest

    @pytest.mark.parametrize("name", names(track))
    def test_exercise(name: str, tmp_path: Path) -> None:
        stub = tmp_path / f"{name}.py"
        stub.write_text(_as_committed(track / "exercises" / f"{name}.py"), encoding="utf-8")
        for answer, state in [(stub, "your turn"), (track / "tests" / "solutions" / f"{name}.py", "done")]:
            result = grade(track, name, answer)
            if result.state != state:
                raise Wrong(f"{answer} is graded {result.state!r} ({result.reason}); expected {state!r}")

    return test_exercise


def _as_committed(path: Path) -> str:
    """The stub as it was committed: a learner who has filled it in still sees all tests pass."""
    command = ["git", "-C", str(path.parent), "show", f"HEAD:./{path.name}"]
    try:
        return subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout
    except (OSError, subprocess.CalledProcessError):  # no git, or not committed yet
        return path.read_text(encoding="utf-8")


def main() -> int:
    from tiny_shared import cli

    grades: list[Grade] = []

    def grade_all(args: Namespace) -> None:
        for name in names(args.track):
            grades.append(grade(args.track, name, args.track / "exercises" / f"{name}.py"))
            print(f"{grades[-1].state:9}  {name:20}  {grades[-1].reason}".rstrip())
        print(f"{sum(result.state == 'done' for result in grades)} of {len(grades)} done")

    parser = cli.Parser(prog="-m tiny_shared.exercises", description="Grade the answers in a track's exercises/.")
    parser.add_argument("track", type=Path, help="the track's folder")
    parser.set_defaults(run=grade_all)
    return cli.run(parser) or int(any(result.state == "not yet" for result in grades))


if __name__ == "__main__":
    # graders raise the Wrong of the imported module; the one that `python -m` runs is a second copy of it
    sys.exit(importlib.import_module("tiny_shared.exercises").main())
