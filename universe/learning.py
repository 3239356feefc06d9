"""A model from nothing, in three steps that are all tiny-llama3's: a vocabulary, pretraining, fine-tuning."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tiny_shared.files import read_jsonl, write_jsonl

from universe.drills import drills
from universe.journal import Result, emptied
from universe.loop import POSITIONS, Loop


def tokens(loop: Loop, same: bool) -> Result:
    """A vocabulary learned from everything that is to be read, and the texts in its tokens."""
    texts, data = loop.folder / "texts", loop.data
    files = sorted(path for path in texts.rglob("*") if path.is_file())
    words = [word for path in files for word in path.read_text(encoding="utf-8").split()]
    write_jsonl(data / "drills.jsonl", ({"text": text} for text in drills(words, loop.plan.drills, loop.plan.seed)))
    some = list(read_jsonl(data / "lessons.jsonl"))[:1200]
    talk = ("\n".join(message["content"] for message in row["messages"]) for row in some)
    write_jsonl(data / "talk.jsonl", ({"text": text} for text in talk))
    tokenizer, out = emptied(loop.folder / "tokenizer"), emptied(loop.folder / "tokens")
    train = ["tokenizer", "train", texts, data / "drills.jsonl", data / "talk.jsonl"]
    size = ["--vocab-size", loop.plan.vocabulary]
    loop.tracks.call("tiny-llama3", "tokenizer", "main.py", *train, *size, "--out", tokenizer, "--json")
    prepare = ["data", "prepare", texts, data / "drills.jsonl", "--separate", "blank", "--tokenizer", tokenizer]
    made = loop.tracks.call("tiny-llama3", "tokens", "main.py", *prepare, "--out", out, "--json")
    counts = {f"{side}_tokens": made[side]["tokens"] for side in ("train", "valid")}
    return {"vocabulary": made["vocab_size"]} | counts


def base(loop: Loop, same: bool) -> Result:
    """Pretraining: what comes next?"""
    done = pretrained(loop, "base", same, loop.plan.pretrain_steps)
    log = list(read_jsonl(loop.folder / "base" / "log.jsonl"))
    checks = [[row["step"], row["validation_loss"]] for row in log if "validation_loss" in row]
    curve = _thinned([[row["step"], row["train_loss"]] for row in log if "train_loss" in row])
    return {"steps": loop.plan.pretrain_steps, "validation_loss": done["validation_loss"],
            "parameters": _parameters(loop.folder / "base" / "model.safetensors"),
            "curve": curve, "checks": checks}  # fmt: skip


def pretrained(loop: Loop, name: str, same: bool, steps: int) -> Any:
    """What `pretrain` says of the run in the folder `name`."""
    rows = ["--sequence", 512, "--positions", POSITIONS, "--batch-rows", 8, "--micro-rows", 8]
    often = ["--steps", steps, "--evaluate-every", max(1, steps // 6)]
    words = ["pretrain", "--data", loop.folder / "tokens", "--preset", "nano", "--precision", "fp32", *rows, *often]
    return _trained(loop, name, same, *words)


def tuned(loop: Loop, same: bool) -> Result:
    """Fine-tuning on the lessons: only what the assistant says is learnt."""
    steps = loop.plan.tune_steps
    words = ["sft", "--model", loop.folder / "base", "--data", loop.data / "lessons.jsonl", "--sequence", 512]
    pace = ["--per-step", 24, "--micro-rows", 4, "--learning-rate", 0.002, "--steps", steps]
    done = _trained(loop, "tuned", same, *words, *pace)
    rows = read_jsonl(loop.folder / "tuned" / "log.jsonl")
    curve = _thinned([[row["step"], row["loss"]] for row in rows if "loss" in row])
    return {"steps": steps, "before": done["before"]["validation_loss"], "after": done["measured"]["validation_loss"],
            "curve": curve}  # fmt: skip


def _trained(loop: Loop, name: str, same: bool, *words: object) -> Any:
    """The run in the folder `name`, gone on with if it was begun with the same settings."""
    out = loop.folder / name
    if same and any((out / "checkpoints").glob("*.safetensors")):
        return loop.tracks.call("tiny-llama3", name, "main.py", words[0], "--resume", "--out", out, "--json")
    emptied(out)
    return loop.tracks.call("tiny-llama3", name, "main.py", *words, "--seed", loop.plan.seed, "--out", out, "--json")


def _parameters(path: Path) -> int:
    """Numbers in a safetensors file; its header lists the shapes."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return sum(math.prod(about["shape"]) for name, about in header.items() if name != "__metadata__")


def _thinned(points: Sequence[list[float]], most: int = 120) -> list[list[float]]:
    """Means of neighbours, at most so many, for a picture."""
    size = max(1, -(-len(points) // most))
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    return [[group[-1][0], round(sum(y for _, y in group) / len(group), 4)] for group in groups]
