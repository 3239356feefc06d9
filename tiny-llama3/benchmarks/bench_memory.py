"""The most memory that a training run holds: the preset 15M at its default batch, by `main.py pretrain`.

The data are the built-in stories with a vocabulary of 4,096. Measured is the training process from start to end (its
resident memory; on Linux the kernel's own high-water mark, VmHWM, elsewhere the largest value polled): Python, PyTorch,
planning, training, measuring, checkpoints. torch.compile has helpers, and a C++ compiler, at work beside it; a row of
its own says what all processes held together at the worst moment polled (pages that they share are counted once).

The plan is the run's own, by arithmetic, without Python and PyTorch. What these take is measured by the same command on
a model of almost nothing. The limit is the project's: 2 GB; the ratio is how many times what was measured fits in it.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from tiny_shared.benchmarks import Row, command

from benchmarks.trained import TRACK, main_py

LIMIT_MB, STEPS, POLL_S = 2000, 3, 0.05
NOTHING = ("--preset", "nano", "--batch-rows", "1", "--sequence", "16")


@dataclass(frozen=True)
class Held:
    """In MB, at the most; and by the plan."""

    alone: float
    together: float  # with the processes that it started
    planned: float


def run(scale: float = 1.0) -> list[Row]:
    tried = scale < 0.1  # only the code
    preset, vocabulary, stories = ("nano", 300, 300) if tried else ("15M", 4096, 20_000)
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        data = Path(temporary, "data")
        main_py("data", "prepare", "--stories", "both", "--count", str(stories), "--vocab-size", str(vocabulary),
                "--out", data)  # fmt: skip
        for name in ("eager",) if tried else ("eager", "compiled"):
            way = ("--data", str(data), "--compile" if name == "compiled" else "--no-compile")
            small = ("--batch-rows", "4", "--sequence", "64") if tried else ()
            nothing = held_by(*way, *NOTHING, "--out", f"{temporary}/nothing-{name}")
            held = held_by(*way, "--preset", preset, *small, "--out", f"{temporary}/{name}")
            rest = nothing.alone - nothing.planned
            what = f"{preset}, vocabulary {vocabulary:,}, {STEPS} steps, {name}"
            rows.append(
                row(what, held.alone, f"plan: {held.planned:,.0f} + {rest:,.0f} = {held.planned + rest:,.0f} MB")
            )
            if name == "compiled":
                rows.append(row(f"{what}: all processes", held.together, "–"))
    return rows


def row(what: str, measured: float, peer: str) -> Row:
    return Row(what, f"{measured:,.0f} MB", peer, f"{LIMIT_MB / measured:.2f}×", command("tiny-llama3", "memory"),
               f"{LIMIT_MB:,} MB")  # fmt: skip


def held_by(*arguments: str) -> Held:
    """`python main.py pretrain ARGUMENTS`, watched to its end."""
    child = subprocess.Popen(
        [sys.executable, "main.py", "pretrain", *arguments, "--steps", str(STEPS), "--json"],
        cwd=TRACK, stdout=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip
    process, alone, together = psutil.Process(child.pid), 0.0, 0.0
    while child.poll() is None:
        try:
            alone = max(alone, high_water(process))
            helpers = process.children(recursive=True)
            together = max(together, sum(own_share(each) for each in [process, *helpers]) if helpers else alone)
        except (psutil.Error, OSError):
            pass  # it ended just now
        time.sleep(POLL_S)
    printed = child.communicate()[0]
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, child.args)
    return Held(alone, together, json.loads(printed)["plan"]["memory_mb"])


def high_water(process: psutil.Process) -> float:
    status = Path("/proc", str(process.pid), "status")
    found = re.search(r"^VmHWM:\s*(\d+) kB$", status.read_text(), re.MULTILINE) if status.is_file() else None
    return int(found[1]) * 1024 / 1e6 if found else process.memory_info().rss / 1e6


def own_share(process: psutil.Process) -> float:
    """Its memory, pages that several processes share divided among them where the system tells that."""
    try:
        memory = process.memory_full_info()
    except psutil.Error:
        return 0.0  # it ended just now
    return float(getattr(memory, "pss", memory.rss) / 1e6)
