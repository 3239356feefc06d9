"""SVG as text: a file, the rectangles and words in it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from tiny_shared.files import atomic_write


def svg(width: int, height: int, title: str, parts: Sequence[str]) -> str:
    """The content of a file; a screen reader says the title."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">'
    return "\n".join([head, f"<title>{escape(title)}</title>", *parts, "</svg>", ""])


def rect(x: int, y: int, width: int, height: int, kind: str) -> str:
    """A rectangle with round corners, of a class that a <style> describes."""
    return f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="9"/>'


def text(x: float, y: float, kind: str, content: str, more: str = "") -> str:
    """Words on a line at `y`; `more` is further attributes. Nothing where there are no words."""
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" {more}>{escape(content)}</text>' if content else ""


def write(folder: Path, pictures: Mapping[str, str]) -> None:
    """Write each picture into the folder and print its path."""
    for name, content in pictures.items():
        atomic_write(folder / name, content)
        print(folder / name)
