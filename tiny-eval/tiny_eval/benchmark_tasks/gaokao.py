"""GAOKAO-Bench (Zhang et al. 2023, arXiv:2305.12474): questions of the Chinese university entrance examination.

--data: one of its multiple-choice files, such as 2010-2022_Math_I_MCQs.json, or a folder of them. A question with
several parts, each with its own answer, is left out: its parts don't stand alone.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from tiny_eval.problem import EvalProblem
from tiny_eval.running.files import all_files
from tiny_eval.running.task import Fields, Task


def read(path: Path) -> Iterator[Fields]:
    for file in all_files(path, "*[mM][cC][qQ]*.json"):
        try:
            said = json.loads(file.read_text(encoding="utf-8"))
            subject = str(said.get("keywords", file.stem))
            for row in said["example"]:
                letters = [str(answer).strip() for answer in row["answer"]]
                if len(letters) == 1:
                    yield {"id": f"{subject}-{row['index']}", "input": row["question"].strip(), "answers": letters,
                           "subject": subject, "year": str(row.get("year", "")),
                           "solution": row.get("analysis", "")}  # fmt: skip
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            what = f"{type(error).__name__}: {error}"
            raise EvalProblem(f"{file.as_posix()}: not a file of GAOKAO-Bench ({what}); name another") from None


TASK = Task(
    name="gaokao",
    about="高考选择题 (Apache-2.0); --data 2010-2022_Math_I_MCQs.json",
    language="zh",
    prompt="{{input}}\n\n请先写出解题思路，最后写“【答案】”和选项字母。",
    metric="gaokao_choice",
    max_tokens=1024,
    read=read,
)
