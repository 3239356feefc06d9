"""The README's picture of the demonstration, drawn as SVG from what it printed: demo.txt is its real output, kept.

Training anew gives the same text on the same machine only, so the text is kept and not made again:

    python main.py > docs/demo.txt && cp runs/demo/run/loss.png docs/loss.png && python docs/make_pictures.py
"""

import textwrap
from pathlib import Path

from tiny_shared.pictures.svg import write
from tiny_shared.pictures.terminal import BLUE, BRIGHT, GREEN, PLAIN, PURPLE, terminal

HERE = Path(__file__).resolve().parent
TITLE = (
    "The demonstration: a Llama 3 learns to write, from raw text on, and says how close it came to the best possible"
)
COLUMNS = 118


def colour(line: str) -> str:
    """Commands, what is right, what is wrong, results, the rest."""
    if line.startswith("$ "):
        return BLUE
    if "normal?" in line or line.startswith("It wrote"):
        return BRIGHT
    return {"✓": GREEN, "✗": PURPLE}.get(line.strip()[:1], PLAIN)


def wrapped(text: str) -> str:
    """Stories are longer than a terminal is wide."""
    lines = []
    for line in text.splitlines():
        lines += textwrap.wrap(line, COLUMNS, subsequent_indent="    ", drop_whitespace=False) or [""]
    return "\n".join(lines) + "\n"


def pictures() -> dict[str, str]:
    """Every picture's file name and content."""
    return {"demo.svg": terminal(TITLE, wrapped((HERE / "demo.txt").read_text(encoding="utf-8")), colour)}


if __name__ == "__main__":
    write(HERE, pictures())
