"""A data set from documents: what there is to read, and conversations to learn answering from."""

import json
import random
import re
from itertools import compress
from pathlib import Path
from typing import Any

from tiny_shared import UserError
from tiny_shared.files import atomic_write, read_jsonl, write_jsonl

from universe.journal import Result, emptied
from universe.loop import CHUNK, METRICS, PROMPT, Loop
from universe.tracks import ROOT

Row = dict[str, Any]
MOST = {"reading": 5000, "passages": 4000, "tools": 2400}  # conversations of each kind, where there are so many
REFUSALS = 0.1  # for each lesson with an answer
FORMS = ["--forms", "turned", "finish", "--per-passage", 6, "--longest", 300]


def texts(loop: Loop, same: bool) -> Result:
    """tiny-rag's readers make text of the documents; the course's own chapters come along as more to read."""
    folder = emptied(loop.folder / "texts")
    docs = folder / "docs"
    read = loop.tracks.call("tiny-rag", "texts", "main.py", "texts", Path(loop.plan.docs), "--out", docs, "--json")
    for path in loop.course():
        name = "-".join(path.relative_to(ROOT).parts)
        atomic_write(folder / "course" / name, path.read_text(encoding="utf-8"))
    lengths = {path: len(path.read_text(encoding="utf-8")) for path in folder.rglob("*") if path.is_file()}
    return {
        "documents": len(read["written"]),
        "unread": read["unread"],
        "files": len(lengths),
        "characters": sum(lengths.values()),
        "of_documents": sum(length for path, length in lengths.items() if path.is_relative_to(docs)),
    }


def lessons(loop: Loop, same: bool) -> Result:
    """Conversations of three kinds: about a text, about passages that search found, with a tool.

    A passage is kept for the scores by a hash of its text, so it is on the same side in every command.
    """
    data, everything, docs = emptied(loop.data), loop.folder / "texts", loop.folder / "texts" / "docs"

    def made(documents: Path, kind: str, name: str, *more: str) -> Any:
        words = ["data", "make", documents, "--kind", kind, *FORMS, "--seed", loop.plan.seed, *more]
        return loop.tracks.call("tiny-llama3", name, "main.py", *words, "--out", data / f"{name}.jsonl", "--json")

    read = made(everything, "sft", "reading")
    made(everything, "sft", "asked", "--no-text")
    kept = made(docs, "eval", "eval")
    made(docs, "eval", "eval-questions", "--no-text")
    eval_tasks(loop)  # too few questions are better said now than after the training
    chance = random.Random(f"lessons {loop.plan.seed}")
    found = _about_passages(loop, everything, chance)
    exam = _with_a_tool(loop)
    rows = [
        {"messages": row["messages"], "kind": kind}
        for kind in MOST
        for row in _some(data / f"{kind}.jsonl", MOST[kind], chance)
        if row.get("question") not in exam
    ]
    chance.shuffle(rows)
    write_jsonl(data / "lessons.jsonl", rows)
    counts = {kind: sum(row["kind"] == kind for row in rows) for kind in MOST}
    about = {"rejected": read["rejected"], "eval": kept["made"]}
    return {"lessons": len(rows)} | counts | about | {"searched": found["chats"], "found": found["answered"]}


def eval_tasks(loop: Loop) -> list[Path]:
    """tiny-eval's tasks about the passages that were kept: one for each language that has at least three questions."""
    rows = list(read_jsonl(loop.data / "eval.jsonl"))
    tasks = []
    for language, metric in METRICS.items():
        chosen = [row for row in rows if row["input"].startswith("请阅读") == (language == "zh")]
        if len(chosen) >= 3:
            name = f"documents-{language}"
            write_jsonl(loop.data / f"{name}.jsonl", chosen)
            about = {"name": name, "language": language, "data": f"{name}.jsonl", "prompt": "{{input}}"}
            tasks.append(loop.data / f"{name}.yaml")
            atomic_write(tasks[-1], json.dumps(about | {"metric": metric, "max_tokens": 120}))  # JSON is YAML
    if not tasks:
        raise UserError(f"only {len(rows)} questions could be kept for the scores; give more text with --docs")
    return tasks


def _about_passages(loop: Loop, everything: Path, chance: random.Random) -> Any:
    """The same questions as tiny-rag would put them to a model, with two passages that its search finds.

    Where search misses the passage, the right answer is a refusal; were all of these kept, refusing would be what is
    learnt best. They are the longest lessons and the hardest, so each is there twice.
    """
    data, store = loop.data, loop.data / "store"
    questions = [_question(row) for row in read_jsonl(data / "asked.jsonl")]
    write_jsonl(data / "questions.jsonl", chance.sample(questions, min(MOST["passages"], len(questions))))
    index = ["index", everything, "--max-tokens", CHUNK, "--overlap-tokens", 0, "--embedder", "lsa"]
    loop.tracks.call("tiny-rag", "index-everything", "main.py", *index, "--store", store, "--json")
    chats = ["chats", data / "questions.jsonl", "-k", 2, "--mode", "bm25", "--max-tokens", PROMPT]
    out = ["--store", store, "--out", data / "searched.jsonl", "--json"]
    found = loop.tracks.call("tiny-rag", "passages", "main.py", *chats, *out)
    rows = list(read_jsonl(data / "searched.jsonl"))
    cites = [re.search(r"\[\d\]$", row["messages"][-1]["content"]) is not None for row in rows]
    right = list(compress(rows, cites))
    refused = [row for row, has_answer in zip(rows, cites, strict=True) if not has_answer]
    kept = right + chance.sample(refused, min(len(refused), round(REFUSALS * len(right))))
    write_jsonl(data / "passages.jsonl", kept * 2)
    return found


def _with_a_tool(loop: Loop) -> set[str]:
    """Sums that tiny-agent's calculator solves, to learn and to be asked; the questions of the latter."""
    data, seed = loop.data, loop.plan.seed
    words = ["-m", "training.chats", "--kind", "sums", "--tools", "calculator"]
    learn = ["--count", MOST["tools"], "--seed", f"lessons {seed}", "--out", data / "tools.jsonl"]
    exam = ["--count", loop.plan.questions, "--seed", f"exam {seed}", "--out", data / "sums.jsonl"]
    loop.tracks.call("tiny-agent", "tools", *words, *learn)
    loop.tracks.call("tiny-agent", "sums", *words, *exam)
    return {row["question"] for row in read_jsonl(data / "sums.jsonl")}


def _question(row: Row) -> Row:
    """A chat with one question as tiny-rag's files of questions have it."""
    question, answer = (message["content"] for message in row["messages"])
    relevant = [{"source": row["source"]["file"], "quote": row["source"]["quote"]}]
    return {"question": question, "answers": [answer], "answerable": True, "relevant": relevant}


def _some(path: Path, most: int, chance: random.Random) -> list[Row]:
    rows = list(read_jsonl(path))
    return chance.sample(rows, min(most, len(rows)))
