"""Choice questions as CSV, with a header (C-Eval, CMMLU) or without (MMLU): question, A, B, C, D, answer."""

import csv
from collections.abc import Iterator
from pathlib import Path

from tiny_eval.problem import EvalProblem
from tiny_eval.running.files import all_files
from tiny_eval.running.task import Fields

COLUMNS = ("question", "a", "b", "c", "d", "answer")


def read(path: Path, pattern: str, suffix: str) -> Iterator[Fields]:
    """Each file is a subject, named by its file without `suffix`."""
    for file in all_files(path, pattern):
        subject = file.stem.removesuffix(suffix)
        with open(file, encoding="utf-8-sig", newline="") as opened:
            try:
                rows = list(csv.reader(opened))
            except (csv.Error, UnicodeDecodeError) as error:
                raise EvalProblem(f"{file.as_posix()}: not CSV in UTF-8 ({error}); save it as such") from None
        header = [name.strip().lower() for name in rows[0]] if rows else []
        headed = set(COLUMNS) <= set(header)
        places = [header.index(name) for name in COLUMNS] if headed else list(range(6))
        for number, row in enumerate(rows[1:] if headed else rows, 2 if headed else 1):
            if not row:
                continue
            if len(row) <= max(places) or row[places[5]].strip().upper() not in ("A", "B", "C", "D"):
                raise EvalProblem(f"{file.as_posix()}:{number}: not a question with four options and a letter; does "
                                  "the file hold the answers?")  # fmt: skip
            question, *options, answer = (row[place].strip() for place in places)
            yield {"id": f"{subject}-{number}", "input": question, "choices": options, "answers": [answer.upper()],
                   "subject": subject}  # fmt: skip
