"""What the parts that train have in common: the track's own commands, run as a user would, and their log as a table."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

TRACK = Path(__file__).resolve().parents[1]


def main_py(*arguments: str) -> dict[str, Any]:
    """What `python main.py ARGUMENTS --json` prints."""
    command = [sys.executable, "main.py", *arguments, "--json"]
    done = subprocess.run(command, cwd=TRACK, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    return json.loads(done.stdout)


def log_table(folder: Path, most: int = 12) -> str:
    """The log's epochs, at most so many of them evenly, and the last."""
    rows = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    epochs = [row for row in rows if "validation_loss" in row and not row.get("final")]
    losses = {row["epoch"]: row["train_loss"] for row in rows if "train_loss" in row}  # the last one of each
    every = -(-len(epochs) // most)
    lines = ["| epoch | step | seconds | training loss, smoothed | validation loss | validation score |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    for row in [row for row in epochs if row["epoch"] % every == 0 or row is epochs[-1]]:
        lines.append(_line(str(row["epoch"]), row, losses.get(row["epoch"] - 1)))
    return "\n".join([*lines, *(_line("averaged", row, None) for row in rows if row.get("final"))])


def _line(name: str, row: dict[str, Any], training_loss: float | None) -> str:
    score = f"BLEU {row['bleu']:.2f}" if "bleu" in row else f"{row['exact_match']:.2%}" if "exact_match" in row else ""
    loss = "" if training_loss is None else f"{training_loss:.4f}"
    return f"| {name} | {row['step']} | {row['seconds']:.0f} | {loss} | {row['validation_loss']:.4f} | {score} |"
