"""One run: a task, a model, a folder. Every answer goes into the journal, the rows into OUT/TASK/MODEL.jsonl.

OUT/answers.journal            all answers of all runs in here, by what was asked; what a killed run had is used
OUT/TASK/MODEL.jsonl           the predictions, in the order of the items, for `score`, `compare`, `explain`
OUT/TASK/MODEL.run.json        what was run, with which settings, what it cost
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tiny_eval.running.journal import Journal
from tiny_eval.running.plan import Asked, Settings, row_of
from tiny_eval.running.question import Answer, Model
from tiny_eval.running.runner import Done, Limits, ask_all
from tiny_eval.running.task import Task

JOURNAL = "answers.journal"


@dataclass(frozen=True)
class Prices:
    """In any currency, for a million tokens."""

    prompt: float = 0.0
    completion: float = 0.0

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / 1e6


@dataclass(frozen=True)
class Run:
    """What is to be written: `rows` to `path`, `about` beside it."""

    path: Path
    rows: list[dict[str, Any]]
    about: dict[str, Any]


async def run_task(
    task: Task,
    asked: Sequence[Asked],
    model: Model,
    out: Path,
    settings: Settings,
    limits: Limits,
    prices: Prices = Prices(),
    done: Done = lambda question, answer, asked: None,
) -> Run:
    """Ask, and make rows of the answers; only the journal is written."""
    start = time.monotonic()
    questions = [question for each in asked for question in each.questions]
    async with Journal(out / JOURNAL) as journal:
        found = await ask_all(model, questions, journal, limits, done)
    seconds = time.monotonic() - start
    rows, first = [], 0
    for each in asked:
        answers = [found[first + place] for place in range(len(each.questions))]
        rows.append(row_of(task, each, answers, settings))
        first += len(each.questions)
    answered = [answer for answer in found.values() if isinstance(answer, Answer)]
    tokens = [sum(each.prompt_tokens for each in answered), sum(each.completion_tokens for each in answered)]
    about = describe(task, model, settings) | {
        "requests": len(questions), "failed": len(questions) - len(answered), "tokens": tokens,
        "cost": round(prices.of(*tokens), 6), "seconds": round(seconds, 3),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }  # fmt: skip
    return Run(out / task.name / f"{file_name(model.name)}.jsonl", rows, about)


def describe(task: Task, model: Model, settings: Settings) -> dict[str, Any]:
    """What the report needs to score the rows again, and a reader to believe it."""
    own = callable(task.metric)
    return {
        "task": task.name, "about": task.about, "language": task.language, "kind": task.kind, "model": model.name,
        "identity": model.identity, "metric": "given" if own else task.metric, "metric_name": task.metric_name,
        "extractor": task.extractor, "first_line": task.first_line,
        "cluster": "item" if settings.repeat > 1 else task.cluster,
        "settings": {name: value for name, value in vars(settings).items() if name != "cut"},
    }  # fmt: skip


def file_name(model: str) -> str:
    """`org/model:7b` as a file is called."""
    return re.sub(r"[^\w.\-+]+", "_", model).strip("._") or "model"


def overridden(task: Task, few_shot: int | None, kind: str | None) -> Task:
    """The task with what the command line says."""
    changed: dict[str, Any] = {
        name: value for name, value in (("few_shot", few_shot), ("kind", kind)) if value is not None
    }
    if kind == "loglikelihood":
        changed |= {"metric": "choice", "extractor": None}
    return replace(task, **changed)
