"""How long `python main.py --help` takes, beside an interpreter that does nothing: milliseconds of wall-clock time."""

import subprocess
import sys
from pathlib import Path

from tiny_shared.benchmarks import Row, command, in_turn

TRACK = Path(__file__).resolve().parents[1]
ROUNDS = 20


def run(scale: float = 1.0) -> list[Row]:
    def call(*arguments: str) -> None:
        subprocess.run([sys.executable, *arguments], cwd=TRACK, stdout=subprocess.DEVNULL, check=True)

    ours, nothing = in_turn(lambda: call("main.py", "--help"), lambda: call("-c", "pass"), max(2, int(ROUNDS * scale)))
    return [Row("`python main.py --help`", f"{ours * 1e3:.0f} ms", f"`python -c pass`: {nothing * 1e3:.0f}",
                f"{nothing / ours:.2f}×", command("tiny-llama3", "light"))]  # fmt: skip
