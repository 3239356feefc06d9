"""A terminal window with the real output of a command in it. Chinese characters take two cells, as in a terminal."""

import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from tiny_shared.pictures.svg import svg

CELLS = 96  # of a line; a Chinese character takes two
CELL, LINE = 8.43, 22  # pixels, at a size of 14
BLUE, GREEN, PURPLE, BRIGHT, PLAIN = "#79c0ff", "#7ee787", "#d2a8ff", "#f0f6fc", "#9da7b3"
NOT_FIRST = "，。、；：？！）》”’,.;:?!)]"  # no line begins with these
FONT = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', 'Noto Sans Mono CJK SC', monospace"

Piece = tuple[int, str, str]  # the column it starts at, its words, and its colour: "" for that of the line


def demonstration(track: Path) -> str:
    """What `python main.py` prints."""
    done = subprocess.run([sys.executable, "main.py"], cwd=track, capture_output=True, encoding="utf-8", check=True)
    return done.stdout


def apart(row: str) -> Iterator[Piece]:
    """What two spaces or more part: SVG joins spaces, so each piece is placed on its own."""
    for match in re.finditer(r"\S+(?: \S+)*", row):
        yield cells(row[: match.start()]), match[0], ""


def terminal(
    title: str,
    output: str,
    colour: Callable[[str], str],
    pieces: Callable[[str], Iterable[Piece]] = apart,
) -> str:
    """`python main.py` and its output; `colour` gets a line, `pieces` each of the rows that it is wrapped to."""
    lines = ["$ python main.py", "", *output.rstrip().split("\n")]
    rows = [(row, colour(line)) for line in lines for row in wrap(line)]
    height = 62 + LINE * len(rows)
    parts = [f'<rect x="1" y="1" width="868" height="{height - 2}" rx="10" fill="#0d1117" stroke="#484f58"/>']
    parts += [f'<circle cx="{22 + 20 * i}" cy="22" r="6" fill="#484f58"/>' for i in range(3)]
    parts.append(f'<g font-family="{FONT}" font-size="14">')
    for i, (row, usual) in enumerate(rows):
        for column, words, own in pieces(row):
            x, y = 24 + CELL * column, 62 + LINE * i
            parts.append(f'<text x="{x:g}" y="{y}" fill="{own or usual}">{escape(words)}</text>')
    return svg(870, height, title, [*parts, "</g>"])


def wrap(line: str) -> Iterator[str]:
    """The line in rows of at most CELLS, cut at spaces or between Chinese characters; all but the first indented."""
    while cells(line) > CELLS:
        end = max(i for i in range(len(line) + 1) if cells(line[:i]) <= CELLS)
        while end > 1 and (line[end] in NOT_FIRST or (line[end - 1] != " " and cells(line[end - 1 : end + 1]) < 3)):
            end -= 1
        yield line[:end].rstrip()
        line = "   " + line[end:]
    yield line


def cells(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
