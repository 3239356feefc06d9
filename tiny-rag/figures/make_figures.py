"""The tutorial's figures, drawn as SVG text from the track's own numbers: python figures/make_figures.py

Nothing but strings: an SVG is a text file, and what it shows is computed by the code that the tutorial explains.
"""

import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from tiny_rag import chunker  # noqa: E402
from tiny_rag.bm25 import K1, B  # noqa: E402
from tiny_rag.tokens import code_points, token_starts  # noqa: E402

INK, BLUE, AMBER, GREY, PALE = "#1d2433", "#2f5aa8", "#c9741a", "#8a93a6", "#e6ebf5"
TEXT = "# Wren\n\nIt opens at 20:00, not before. Bring a coat.\n\nTea is free.\n\n# Heron\n\nNo eyepiece."  # chapter 3
LEVELS = "INSIDE IN_HEADING BELOW_HEADING CHARACTER GAP CLAUSE LINE SENTENCE PARAGRAPH HEADING".split()


class Drawing:
    """Shapes on a white sheet; x grows to the right, y downwards."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
            f' font-family="system-ui, sans-serif" font-size="13" fill="{INK}">',
            f"<title>{escape(title)}</title>",
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            f'<path d="M0 0L8 4L0 8z" fill="{GREY}"/></marker></defs>',
            f'<rect width="{width}" height="{height}" rx="8" fill="white"/>',
        ]

    def text(self, x: float, y: float, words: str, anchor: str = "middle", colour: str = INK, size: int = 13) -> None:
        style = f'text-anchor="{anchor}" fill="{colour}" font-size="{size}"'
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>')

    def box(self, x: float, y: float, width: float, height: float, lines: Sequence[str] = (), colour: str = BLUE,
            fill: str = PALE, dashed: bool = False) -> None:  # fmt: skip
        dashes = ' stroke-dasharray="5 4"' if dashed else ""
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="5"'
            f' fill="{fill}" stroke="{colour}"{dashes}/>'
        )
        for row, words in enumerate(lines):
            self.text(x + width / 2, y + height / 2 + 4.5 + 16 * (row - (len(lines) - 1) / 2), words)

    def line(self, points: Sequence[tuple[float, float]], colour: str = GREY, width: float = 1.5,
             arrow: bool = False) -> None:  # fmt: skip
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        tip = ' marker-end="url(#tip)"' if arrow else ""
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{tip}/>')

    def svg(self) -> str:
        return "\n".join([*self.parts, "</svg>"]) + "\n"


def pipeline() -> str:
    """From files and a question to an answer with citations; the numbers are those of the chapters."""
    sheet = Drawing(860, 250, "From files and a question to an answer with citations")
    sheet.box(20, 20, 110, 50, ["files"], GREY, "white")
    sheet.box(175, 20, 120, 50, ["text and places", "(2)"])
    sheet.box(340, 20, 110, 50, ["chunks", "(3)"])
    sheet.box(495, 20, 150, 50, ["store that survives", "kill -9 (9)"])
    for x in (130, 295, 450):
        sheet.line([(x, 45), (x + 45, 45)], arrow=True)
    sheet.box(20, 155, 110, 50, ["question"], AMBER, "white")
    sheet.box(175, 110, 150, 50, ["rare words:", "BM25 (4)"])
    sheet.box(175, 185, 150, 50, ["near in meaning:", "LSA (5)"])
    sheet.box(370, 147, 100, 50, ["one ranking", "(6)"])
    sheet.box(515, 147, 100, 50, ["prompt", "(7)"])
    sheet.box(660, 147, 180, 50, ["answer [1], citations", "checked (7)"], AMBER)
    for y in (135, 210):
        sheet.line([(130, 180), (152, 180), (152, y), (175, y)], arrow=True)
        sheet.line([(325, y), (347, y), (347, 172), (370, 172)], arrow=True)
    sheet.line([(470, 172), (515, 172)], arrow=True)
    sheet.line([(615, 172), (660, 172)], arrow=True)
    sheet.line([(570, 70), (570, 88), (250, 88), (250, 110)], arrow=True)
    sheet.text(750, 226, "and how good is it? (8)", colour=GREY)
    return sheet.svg()


def chunks() -> str:
    """How natural a cut before each token of TEXT is, and the chunks that follow from it."""
    codes = code_points(TEXT)
    starts = token_starts(codes)
    solid_ends = np.array([len(TEXT[:i].rstrip()) for i in range(len(TEXT) + 1)])
    levels = chunker.cut_levels(codes, solid_ends, starts, [0, TEXT.index("# Heron")])
    ends = [*starts[1:], len(TEXT)]
    tokens = [TEXT[start:end].replace("\n", "").strip() for start, end in zip(starts, ends, strict=True)]
    step, left, ground = 32, 115, 215
    sheet = Drawing(left + step * len(tokens) + 20, 315, "Levels of cuts, and the chunks that they give")
    value_of = {name: getattr(chunker, name) for name in LEVELS}
    for name, value in value_of.items():
        y = ground - 21 * (value - chunker.INSIDE)
        sheet.text(left - 10, y + 4, name.lower().replace("_", " "), "end", GREY, 11)
        sheet.line([(left, y), (left + step * len(tokens), y)], PALE, 1)
    for place, (token, level) in enumerate(zip(tokens, levels, strict=True)):
        x = left + step * place
        height = 21 * int(level - chunker.INSIDE)
        if height:
            sheet.box(x - 3, ground - height, 6, height, colour=BLUE, fill=BLUE)
        sheet.text(x + step / 2, ground + 18, token, size=9)
    for row, piece in enumerate(chunker.chunk(TEXT, 12, 4)):
        first = int(np.searchsorted(starts, piece.start))
        last = int(np.searchsorted(starts, piece.end))
        x, y = left + step * first, ground + 30 + 20 * row
        sheet.box(x, y, step * (last - first) - 4, 14, colour=AMBER, fill="#f8e6d2")
        sheet.text(left - 10, y + 11, f"chunk {row + 1}", "end", AMBER, 11)
    return sheet.svg()


def saturation() -> str:
    """What a term's count is worth in texts of three lengths."""
    sheet = Drawing(640, 300, "What a term's count is worth in BM25")
    left, ground, per_count, height = 60, 250, 45.0, 220
    sheet.line([(left, 30), (left, ground), (left + 10 * per_count + 20, ground)], arrow=True)
    for count in range(0, 11, 2):
        sheet.text(left + per_count * count, ground + 18, str(count), size=11)
    for share in (0.5, 1.0):
        sheet.text(left - 8, ground - height * share + 4, f"{share:.1f}", "end", size=11)
        sheet.line([(left, ground - height * share), (left + 10 * per_count, ground - height * share)], PALE, 1)
    sheet.text(left + 5 * per_count, ground + 38, "how often the term occurs in the text", colour=GREY)
    counts = np.linspace(0, 10, 101)
    lengths = ((0.5, "half the mean length", AMBER), (1.0, "mean length", INK), (2.0, "twice as long", BLUE))
    for ratio, name, colour in lengths:
        room = K1 * (1 - B + B * ratio)
        worth = counts / (counts + room)
        xs, ys = (left + per_count * counts).tolist(), (ground - height * worth).tolist()
        sheet.line(list(zip(xs, ys, strict=True)), colour, 2)
        sheet.text(xs[-1] + 6, ys[-1] + (1 if ratio < 1 else 7), name, "start", colour, 11)
    return sheet.svg()


def topics() -> str:
    """The six words and one text of chapter 5 on their two topics."""
    # telescope reflector mirror soup bun tea
    rows = [[1, 0, 1, 0, 0, 0], [0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 0], [0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 1]]
    matrix = np.array(rows, float)
    directions = np.linalg.svd(matrix)[2][:2]
    directions = np.abs(directions)  # every entry of a direction has the same sign here
    sheet = Drawing(560, 380, "Words and texts on two topics")
    left, ground, unit = 70, 330, 235

    def at(food: float, optics: float) -> tuple[float, float]:
        return left + unit * food, ground - unit * optics

    sheet.line([at(0, 0), at(1.9, 0)], arrow=True)
    sheet.line([at(0, 0), at(0, 1.35)], arrow=True)
    sheet.text(left + unit * 1.75, ground + 22, "food", colour=GREY)
    sheet.text(left - 14, 24, "optics", "end", GREY)
    groups = {"telescope, reflector": 0, "mirror": 2, "soup, tea": 3, "bun": 4}
    for words, column in groups.items():
        x, y = at(float(directions[0, column]), float(directions[1, column]))
        sheet.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{BLUE}"/>')
        sheet.text(*((x + 12, y + 5, words, "start") if directions[1, column] > 0.1 else (x, y - 12, words)))
    for name, row in (("text “reflector mirror”", 1), ("text “soup bun tea”", 4)):
        food, optics = (directions @ matrix[row]).tolist()
        x, y = at(food, optics)
        sheet.box(x - 5, y - 5, 10, 10, colour=AMBER, fill=AMBER)
        sheet.text(*((x + 12, y + 5, name, "start", AMBER) if optics > 0.1 else (x, y - 12, name, "end", AMBER)))
    sheet.text(left + 150, 130, "no word in common, the same direction:", "start", GREY, 12)
    sheet.text(left + 150, 147, "“telescope” and “reflector mirror” have cosine 1", "start", GREY, 12)
    return sheet.svg()


def swap() -> str:
    """The only moment at which a store changes."""
    sheet = Drawing(860, 230, "A change is one rename")
    panels = (
        ("before", {"segment 1": True, "segment 2": True}, "the old state is whole"),
        ("written, not yet renamed", {"segment 1": True, "segment 2": True, "segment 3": False}, "still the old state"),
        ("after the rename", {"segment 1": False, "segment 2": False, "segment 3": True}, "the new state is whole"),
    )
    for number, (when, segments, state) in enumerate(panels):
        x = 20 + 285 * number
        sheet.text(x + 125, 28, when, colour=AMBER)
        sheet.box(x + 75, 45, 100, 34, ["manifest"], AMBER, "#f8e6d2")
        for name, named in segments.items():
            place = x + 85 * (int(name[-1]) - 1)
            sheet.box(place, 125, 80, 34, [name], BLUE if named else GREY, PALE if named else "white", not named)
            if named:
                sheet.line([(x + 125, 79), (place + 40, 125)], arrow=True)
        sheet.text(x + 125, 195, state, colour=GREY)
    return sheet.svg()


FIGURES = {figure.__name__: figure for figure in (pipeline, chunks, saturation, topics, swap)}


def main() -> None:
    for name, draw in FIGURES.items():
        (HERE / f"{name}.svg").write_text(draw(), encoding="utf-8", newline="\n")
        print(f"figures/{name}.svg")


if __name__ == "__main__":
    main()
