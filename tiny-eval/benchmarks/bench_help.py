"""How long `python main.py --help` and `import tiny_eval` take, beside an interpreter that does nothing."""

import subprocess
import sys
from pathlib import Path

from tiny_shared.benchmarks import Row, command, in_turn

TRACK = Path(__file__).resolve().parent.parent
ROUNDS = 7


def run(scale: float = 1.0) -> list[Row]:
    """A new process each time; milliseconds of wall-clock time."""

    def start(*arguments: str) -> None:
        subprocess.run([sys.executable, *arguments], cwd=TRACK, stdout=subprocess.DEVNULL, check=True)

    rows = []
    for what, arguments in (
        ("`python main.py --help`", ["main.py", "--help"]),
        ("`import tiny_eval`", ["-c", "import tiny_eval"]),
        ("`import tiny_eval.score`, all metrics with it", ["-c", "import tiny_eval.score, tiny_eval.metrics"]),
    ):
        ours, bare = in_turn(lambda: start(*arguments), lambda: start("-c", "pass"), max(int(ROUNDS * scale), 1))  # noqa: B023
        rows.append(
            Row(
                what,
                f"{ours * 1000:.0f} ms",
                f"`python -c pass`: {bare * 1000:.0f}",
                f"{bare / ours:.2f}×",
                command("tiny-eval", "help"),
            )
        )
    return rows
