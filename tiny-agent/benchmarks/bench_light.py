"""How long imports, `--help`, and the start of a sandbox take; and what is installed, beside smolagents."""

import subprocess
import sys
from importlib.metadata import distribution, version
from pathlib import Path

from tiny_shared.benchmarks import Row, command, in_turn
from tiny_shared.benchmarks.measure import help_time

TRACK = Path(__file__).resolve().parent.parent
ROUNDS = 7


def run(scale: float = 1.0) -> list[Row]:
    rounds = max(1, round(ROUNDS * scale))
    again = command("tiny-agent", "light")

    def python(code: str) -> None:
        subprocess.run([sys.executable, "-c", code], cwd=TRACK, check=True, stdout=subprocess.DEVNULL)

    ours, theirs = in_turn(lambda: python("import tiny_agent.loop, tiny_agent.engines"),
                           lambda: python("import smolagents"), rounds)  # fmt: skip
    rows = [Row("import of the loop and its engines", f"{1000 * ours:.0f} ms",
                f"smolagents {version('smolagents')}: {1000 * theirs:.0f}", f"{theirs / ours:.1f}×",
                again)]  # fmt: skip
    boxed, bare = in_turn(lambda: python("from tiny_agent.sandbox import run_python; run_python('pass')"),
                          lambda: python("import tiny_agent.sandbox"), rounds)  # fmt: skip
    rows.append(Row("a program in the sandbox, from start to end", f"{1000 * (boxed - bare):.0f} ms",
                    "the limit: 150", f"{0.15 / max(boxed - bare, 1e-9):.1f}×", again))  # fmt: skip
    mine, other = (
        size(["numpy", "openai", "PyYAML"]),
        size(["smolagents", "huggingface_hub", "rich", "Jinja2", "pillow"]),
    )
    own = sum(path.stat().st_size for path in (TRACK / "tiny_agent").rglob("*") if path.is_file())
    rows.append(Row("installed: the package and what it needs first", f"{(mine + own) / 1e6:.0f} MB",
                    f"smolagents: {other / 1e6:.0f}", f"{other / (mine + own):.2f}×", again))  # fmt: skip
    return [*rows, help_time(TRACK, rounds)]


def size(packages: list[str]) -> int:
    """Bytes of the files that pip put there."""
    total = 0
    for name in packages:
        for file in distribution(name).files or []:
            path = Path(str(file.locate()))
            total += path.stat().st_size if path.is_file() else 0
    return total
