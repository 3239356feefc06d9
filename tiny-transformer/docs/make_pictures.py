"""The README's picture of the demonstration, drawn as SVG from what it printed: demo.txt is its real output, kept.

Training anew gives the same text on the same machine only, so the text is kept and not made again:

    python main.py > docs/demo.txt && cp runs/demo/attention.png docs/attention.png && python docs/make_pictures.py
"""

from pathlib import Path

from tiny_shared.pictures.svg import write
from tiny_shared.pictures.terminal import BLUE, BRIGHT, GREEN, PLAIN, PURPLE, terminal

HERE = Path(__file__).resolve().parent
TITLE = "The demonstration: a Transformer learns dates, is tested on dates it never saw, and shows where it looked"


def colour(line: str) -> str:
    """Commands, what is right, what is wrong, results, the rest."""
    if line.startswith("$ "):
        return BLUE
    if "exact match" in line:
        return BRIGHT
    return {"✓": GREEN, "✗": PURPLE}.get(line.strip()[:1], PLAIN)


def pictures() -> dict[str, str]:
    """Every picture's file name and content."""
    return {"demo.svg": terminal(TITLE, (HERE / "demo.txt").read_text(encoding="utf-8"), colour)}


if __name__ == "__main__":
    write(HERE, pictures())
