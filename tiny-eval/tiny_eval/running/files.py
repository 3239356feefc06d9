"""Finding a benchmark's file: the one that was named, or the only one of its kind in a folder."""

from pathlib import Path

from tiny_eval.problem import EvalProblem


def the_file(path: Path, pattern: str) -> Path:
    """`path` itself, or the one file below it whose name fits; EvalProblem if there are none or several."""
    if not path.is_dir():
        return path
    found = sorted(file for file in path.rglob(pattern) if file.is_file())
    if len(found) != 1:
        which = f"{len(found)} files fit" if found else "no file fits"
        raise EvalProblem(f"{path.as_posix()}: {which} {pattern}; name the file itself with --data")
    return found[0]


def all_files(path: Path, pattern: str) -> list[Path]:
    """`path` itself, or all files below it whose names fit, by name; EvalProblem if there are none."""
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.rglob(pattern) if file.is_file())
    if not found:
        raise EvalProblem(f"{path.as_posix()}: no file fits {pattern}; name another folder with --data")
    return found
