"""How long `python main.py --help` takes, beside an interpreter that does nothing: milliseconds of wall-clock time."""

import subprocess
import sys
from pathlib import Path

from tiny_shared.benchmarks import Row, command, in_turn

TRACK = Path(__file__).resolve().parent.parent
ROUNDS = 7


def run(scale: float = 1.0) -> list[Row]:
    """A new process each time."""

    def start(*arguments: str) -> None:
        subprocess.run([sys.executable, *arguments], cwd=TRACK, stdout=subprocess.DEVNULL, check=True)

    ours, bare = in_turn(lambda: start("main.py", "--help"), lambda: start("-c", "pass"), max(int(ROUNDS * scale), 1))
    return [
        Row("`python main.py --help`", f"{ours * 1000:.0f} ms", f"`python -c pass`: {bare * 1000:.0f}",
            f"{bare / ours:.2f}×", command("tiny-rag", "light"))
    ]  # fmt: skip
