"""What the model is good for: tiny-eval scores it before and after, tiny-rag and tiny-agent run on it."""

import contextlib
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tiny_shared import UserError
from tiny_shared.files import read_jsonl

from universe.journal import Result, emptied
from universe.lessons import eval_tasks
from universe.loop import CHUNK, METRICS, PROMPT, Loop

Row = dict[str, Any]
BASELINE = "baseline:overlap"  # a model of no parameters: the sentence that shares most words with the question


def scores(loop: Loop, same: bool) -> Result:
    """Base and tuned are asked the same held-out questions; so is the server that the user has set, if any."""
    out = loop.folder / "scores"
    if not same:
        emptied(out)
    tasks = eval_tasks(loop)
    run = ["main.py", "run", "--task", *tasks, "--out", out, "--concurrency", 4, "--json", "--model"]
    told: list[Row] = []
    for name, models in (("base", ["base", BASELINE]), ("tuned", ["tuned"])):
        with loop.tracks.served(loop.folder / name, name, f"serve-{name}") as url:
            told += loop.tracks.call("tiny-eval", f"scores-{name}", *run, *models, env=asking(url, name))
    models = ["base", "tuned"]
    if loop.other:
        models.append(str(loop.other.model))
        told += loop.tracks.call("tiny-eval", "scores-other", *run, models[-1], env=_asking_other(loop))
    loop.tracks.call("tiny-eval", "report", "main.py", "report", out, "--json")
    return {"tasks": [_compared(loop, task, told) for task in tasks], "models": models}


def _compared(loop: Loop, task: Path, told: list[Row]) -> Row:
    """A task's scores, and what tiny-eval says of the difference between tuned and base, item by item."""
    metric, folder = METRICS[task.stem[-2:]], loop.folder / "scores" / task.stem
    results = {row["model"]: row for row in told if row["task"] == task.stem}
    rows = said(task, folder)
    return {
        "task": task.stem,
        "metric": metric,
        "scores": {model: row["score"] for model, row in results.items()},
        "items": len(rows),
        "measured": {model: row["n"] - row["not_measured"] for model, row in results.items()},
        "exact": {model: exact(rows, model) for model in results},
        "examples": rows[:6],
    } | compared(loop, f"compare-{task.stem}", folder / "tuned.jsonl", folder / "base.jsonl", metric)


def said(task: Path, folder: Path) -> list[Row]:
    """Each question with its answer and, by model, what was said; tiny-eval's files are found by what they say."""
    files = {json.loads(path.read_text(encoding="utf-8"))["model"]: path for path in sorted(folder.glob("*.run.json"))}
    preds = {
        model: {row["id"]: row["pred"] for row in read_jsonl(path.with_name(path.name.replace(".run.json", ".jsonl")))}
        for model, path in files.items()
    }
    return [
        {"question": row["input"].splitlines()[-1], "answer": row["answers"][0]}
        | {model: found.get(row["id"]) for model, found in preds.items()}
        for row in read_jsonl(task.with_suffix(".jsonl"))
    ]


def exact(rows: list[Row], model: str) -> int:
    """Answers that are right word for word."""
    return sum(_same(row[model], row["answer"]) for row in rows)


def compared(loop: Loop, log: str, a: Path, b: Path, metric: str) -> Row:
    """n, difference, low, high, verdict; without numbers where too few answers of both came to an end."""
    try:
        words = ["main.py", "compare", a, b, "--metric", metric, "--json"]
        found = loop.tracks.call("tiny-eval", log, *words)
    except UserError as error:
        if "nothing to compare" not in str(error):
            raise
        found = {"n": 0, "difference": None, "low": None, "high": None, "verdict": "too few answers came to an end"}
    return {name: found[name] for name in ("n", "difference", "low", "high", "verdict")}


def answers(loop: Loop, same: bool) -> Result:
    """tiny-rag searches the original documents and lets the model answer from what it found."""
    store = emptied(loop.folder / "store")
    index = ["index", Path(loop.plan.docs), "--max-tokens", CHUNK, "--overlap-tokens", 0, "--embedder", "lsa"]
    loop.tracks.call("tiny-rag", "index", "main.py", *index, "--store", store, "--json")
    held = list(read_jsonl(loop.data / "eval-questions.jsonl"))
    chosen = random.Random(f"answers {loop.plan.seed}").sample(held, min(loop.plan.questions, len(held)))
    ask = ["--store", store, "-k", 2, "--max-tokens", PROMPT, "--trace", "--json"]
    rows = []
    with _model(loop) as env:
        for number, row in enumerate(chosen, 1):
            log = f"ask-{number:02}"
            reply = loop.tracks.call("tiny-rag", log, "main.py", "ask", row["input"], *ask, env=env)
            rows.append(_judged(row, reply) | {"log": f"logs/{log}.json"})
    loop.tracks.ran = loop.tracks.ran[:3]  # the others differ in nothing but the question
    counts = {what: sum(row[what] for row in rows) for what in ("retrieved", "right", "cited")}
    return {"questions": len(rows), "model": _name(loop)} | counts | {"rows": rows}


def _judged(row: Row, said: Row) -> Row:
    """Was the passage found, is the answer the sentence word for word, is the right document cited?"""
    expected, quote = row["answers"][0], _squeezed(row["source"]["quote"])
    file = Path(row["source"]["file"]).name.removesuffix(".txt")
    cited = [(each["number"], Path(each["source"]).name) for each in said["citations"]]
    return {
        "question": row["input"],
        "expected": expected,
        "answer": said["answer"],
        "citations": [f"[{number}] {name}" for number, name in cited],
        "retrieved": any(quote in _squeezed(hit["text"]) for hit in said["passages"]),
        "right": _same(re.sub(r"\s*\[\d+\]", "", said["answer"]), expected),
        "cited": file in [name for _, name in cited],
    }


def agent(loop: Loop, same: bool) -> Result:
    """tiny-agent's loop drives the model: it has to call the calculator, and to read what that says."""
    traces, sums = emptied(loop.folder / "traces"), loop.data / "sums.jsonl"
    limits = ["--only", "calculator", "--steps", 4, "--max-tokens", 120]
    with _model(loop) as env:
        evaluate = ["eval", sums, *limits, "--traces", traces, "--json"]
        found = loop.tracks.call("tiny-agent", "agent", "main.py", *evaluate, env=env)
    shown = []
    for path in sorted(traces.glob("*.jsonl"), key=lambda path: int(path.stem))[:5]:
        page = path.with_suffix(".html")
        loop.tracks.call("tiny-agent", f"trace-{path.stem}", "main.py", "trace", path, "--html", page)
        shown.append(_told(list(read_jsonl(path))) | {"page": f"traces/{page.name}"})
    right = round(found["accuracy"] * found["questions"])
    return {"questions": found["questions"], "right": right, "steps_each": found["steps"], "stopped": found["stopped"],
            "model": _name(loop), "rows": shown}  # fmt: skip


def _told(events: list[Row]) -> Row:
    calls = [f"{event['name']} {json.dumps(event['arguments'], ensure_ascii=False)} → {event['output']}"
             for event in events if event["event"] == "tool"]  # fmt: skip
    return {"question": events[0]["question"], "steps": calls, "answer": events[-1].get("answer")}


# ---- which model -----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _model(loop: Loop) -> Iterator[dict[str, str]]:
    """The environment that names it: our own server's tuned model, or what the user has set."""
    if loop.other:
        yield _asking_other(loop)
        return
    with loop.tracks.served(loop.folder / "tuned", "tuned", "serve-tuned-again") as url:
        yield asking(url, "tuned")


def _name(loop: Loop) -> str:
    return str(loop.other.model) if loop.other else "tuned"


def asking(url: str, model: str, key: str = "none") -> dict[str, str]:
    return {"OPENAI_BASE_URL": url, "OPENAI_MODEL": model, "OPENAI_API_KEY": key}


def _asking_other(loop: Loop) -> dict[str, str]:
    assert loop.other
    return asking(str(loop.other.base_url), str(loop.other.model), loop.other.api_key or "none")


def _same(said: str | None, right: str) -> bool:
    return said is not None and said.split() == right.split()


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)
