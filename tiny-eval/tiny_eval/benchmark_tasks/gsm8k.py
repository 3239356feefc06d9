"""GSM8K (Cobbe et al. 2021, arXiv:2110.14168): school word problems; the answer stands after `####`.

--data: the published test.jsonl, or a folder that holds one `*test*.jsonl`.
"""

from collections.abc import Iterator
from pathlib import Path

from tiny_eval.problem import EvalProblem
from tiny_eval.rows import read_objects
from tiny_eval.running.files import the_file
from tiny_eval.running.task import Fields, Task


def read(path: Path) -> Iterator[Fields]:
    file = the_file(path, "*test*.jsonl")
    for number, (place, row) in enumerate(read_objects(file), 1):
        if "question" not in row or "####" not in str(row.get("answer")):
            raise EvalProblem(f"{place}: not a row of GSM8K (question, answer with ####)")
        answer = row["answer"].rpartition("####")[2].strip().replace(",", "")
        yield {"id": f"gsm8k-{number}", "input": row["question"], "answers": [answer], "solution": row["answer"]}


TASK = Task(
    name="gsm8k",
    about="school word problems (MIT licence); --data test.jsonl",
    prompt="{{input}}\nThink step by step and end with a line '#### number'.",
    metric="numeric",
    max_tokens=512,
    read=read,
)
