"""Real text: the loss after 3, 10 and 30 minutes of training on this machine's processor, and what the model writes.

With `--data DIR`: TinyShakespeare in DIR/tinyshakespeare.txt, a token a character, split as nanoGPT splits it (the
first 90% to learn, the rest to measure); and Tang poems in DIR/tang_poems.jsonl.gz. Without it: the built-in stories,
only to show that the command works. Each line is a run of its own, with its own fall of the learning rate; finished
runs in runs/bench-text are reported again and not trained anew, interrupted ones are resumed. The steps are those that
`pretrain --minutes` plans before it starts; "seconds" are what they took, and more than planned where other work was
done on the machine meanwhile. What compiling and measuring took comes on top and is told apart. The loss is that of
the model which the run keeps, its best; beside it stands that at the end, which is higher where the text was learned
by heart.

Published for TinyShakespeare (nanoGPT's README): 1.88 for about 3 minutes on a laptop's processor, 1.47 for about 3
minutes on an A100. Validation loss is in nats a token; for TinyShakespeare a token is a character.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tiny_shared.benchmarks import command

from benchmarks.trained import TRACK, main_py, rows_of

MINUTES = (3, 10, 30)
KEPT = TRACK / "runs" / "bench-text"


@dataclass(frozen=True)
class Corpus:
    name: str
    source: tuple[str, ...]  # of `data prepare`
    train: tuple[str, ...] = ()  # of `pretrain`


def corpora(data: Path | None) -> list[Corpus]:
    found = []
    source: tuple[str, ...]
    if data is not None and (data / "tinyshakespeare.txt").is_file():
        source = (str(data / "tinyshakespeare.txt"), "--vocab-size", "256", "--split", "tail", "--valid-share", "0.1")
        found.append(Corpus("tinyshakespeare", source, ("--prompt", "ROMEO:")))
    if data is not None and (data / "tang_poems.jsonl.gz").is_file():
        source = (str(data / "tang_poems.jsonl.gz"), "--field", "paragraphs", "--vocab-size", "4096")
        found.append(Corpus("tang", source, ("--prompt", "春")))
    return found or [Corpus("stories", ("--stories", "en", "--count", "2000", "--vocab-size", "300"))]


def run(data: Path | None, scale: float = 1.0) -> str:
    kept = KEPT if scale == 1 else KEPT.with_name(f"bench-text-{scale:g}")
    heads = ("text", "minutes", "steps", "tokens", "seconds", "compiling, measuring", "tokens/s", "loss", "bits a byte",
             "loss at the end")  # fmt: skip
    again = command("tiny-llama3", "text", data)
    lines = [f"`{again}`", "", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    samples = []
    for corpus in corpora(data):
        folder = kept / f"{corpus.name}-data"
        if not (folder / "manifest.json").is_file():
            main_py("data", "prepare", *corpus.source, "--name", corpus.name, "--out", folder)
        for minutes in MINUTES:
            rows, whole = trained(corpus, folder, kept / f"{corpus.name}-{minutes}", minutes * scale)
            line, sample = reported(corpus.name, minutes, rows, whole)
            lines.append(line)
            samples.append(f"{corpus.name}, {minutes} minutes:\n\n```text\n{sample}\n```")
    return "\n".join(
        [*lines, "", "What the models write, at temperature 0.8 and top-p 0.95:", "", "\n\n".join(samples)]
    )


def trained(corpus: Corpus, data: Path, out: Path, minutes: float) -> tuple[list[dict[str, Any]], float]:
    """The log, and the seconds from start to end, in a file of its own so that they can be told again."""
    took = out / "seconds.txt"
    if not took.is_file():
        start = time.perf_counter()
        if (out / "run.json").is_file():
            main_py("pretrain", "--resume", "--out", out)
        else:
            compiled = ("--compile",) if minutes > 1 else ()
            main_py("pretrain", "--data", data, "--preset", "nano", "--minutes", f"{minutes:g}", *compiled,
                    "--evaluate-every", "250", *corpus.train, "--out", out)  # fmt: skip
        took.write_text(f"{time.perf_counter() - start:.1f}\n", encoding="utf-8")
    return rows_of(out), float(took.read_text(encoding="utf-8"))


def reported(name: str, minutes: int, rows: list[dict[str, Any]], whole: float) -> tuple[str, str]:
    """A line of the table, and what the kept model wrote."""
    measured = [row for row in rows if "validation_loss" in row]
    best, last = min(measured, key=lambda row: row["validation_loss"]), measured[-1]
    speed = last["tokens"] / max(last["seconds"], 1e-9)
    return (
        f"| {name} | {minutes} | {last['step']:,} | {last['tokens']:,} | {last['seconds']:,.0f} | "
        f"{whole - last['seconds']:,.0f} s | {speed:,.0f} | **{best['validation_loss']:.3f}** | "
        f"{best['bits_per_byte']:.3f} | {last['validation_loss']:.3f} |"
    ), str(best["sample"])
