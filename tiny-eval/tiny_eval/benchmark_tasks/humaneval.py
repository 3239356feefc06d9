"""HumanEval (Chen et al. 2021, arXiv:2107.03374): go on with a Python function; its tests are run with --allow-code.

--data: the published HumanEval.jsonl or HumanEval.jsonl.gz. With --repeat 10 --temperature 0.8 the report gives pass@1,
pass@5 and pass@10.
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

from tiny_eval.problem import EvalProblem
from tiny_eval.running.files import the_file
from tiny_eval.running.task import Fields, Task


def read(path: Path) -> Iterator[Fields]:
    file = the_file(path, "HumanEval*.jsonl*")
    data = file.read_bytes()
    try:
        text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8")
        rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        for row in rows:
            name = row["entry_point"]
            yield {"id": row["task_id"].replace("/", "-"), "input": row["prompt"], "answers": ["passed"],
                   "before": row["prompt"], "entry_point": name, "tests": f"{row['test']}\n\ncheck({name})\n",
                   "solution": row.get("canonical_solution", "")}  # fmt: skip
    except (ValueError, KeyError, TypeError, OSError, EOFError) as error:
        raise EvalProblem(
            f"{file.as_posix()}: not HumanEval ({type(error).__name__}: {error}); name its file"
        ) from None


TASK = Task(
    name="humaneval",
    kind="code",
    about="164 Python functions (MIT); --data HumanEval.jsonl.gz, needs --allow-code",
    prompt="Complete this Python function. Reply with the whole function.\n\n{{input}}",
    metric="exact_match",
    max_tokens=512,
    read=read,
)
