"""The tutorial's figures, drawn as SVG text from the track's own numbers: python figures/make_figures.py

Nothing but strings: an SVG is a text file, and what it shows is computed by the code that the tutorial explains.
"""

import sys
from collections.abc import Sequence
from html import escape
from math import comb
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from tiny_eval.metrics.lcs import lcs_length, lcs_positions  # noqa: E402
from tiny_eval.stats import mcnemar  # noqa: E402

INK, BLUE, AMBER, GREY, PALE, WARM = "#1d2433", "#2f5aa8", "#c9741a", "#8a93a6", "#e6ebf5", "#f8e6d2"
ROWS, COLUMNS = "the owl saw the log".split(), "the log saw the owl".split()  # chapter 3
ONLY_A, ONLY_B = 7, 1  # chapter 7


class Sheet:
    """Shapes on white; x grows to the right, y downwards."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
            f' font-family="system-ui, sans-serif" font-size="13" fill="{INK}">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{width}" height="{height}" rx="8" fill="white"/>',
        ]

    def text(self, x: float, y: float, words: str, colour: str = INK, size: int = 13, anchor: str = "middle") -> None:
        style = f'text-anchor="{anchor}" fill="{colour}" font-size="{size}"'
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>')

    def box(self, x: float, y: float, width: float, height: float, lines: Sequence[str] = (), colour: str = BLUE,
            fill: str = PALE) -> None:  # fmt: skip
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="4" fill="{fill}"'
            f' stroke="{colour}"/>'
        )
        for row, words in enumerate(lines):
            self.text(x + width / 2, y + height / 2 + 4.5 + 16 * (row - (len(lines) - 1) / 2), words)

    def arrow(self, x: float, y: float, to_x: float, to_y: float) -> None:
        """A line with a dot at its end: readable in every direction, and no marker to define."""
        self.parts.append(
            f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" stroke="{GREY}" stroke-width="1.5"/>'
            f'<circle cx="{to_x:.1f}" cy="{to_y:.1f}" r="3.0" fill="{GREY}"/>'
        )

    def svg(self) -> str:
        return "\n".join([*self.parts, "</svg>"]) + "\n"


def way() -> str:
    """From an output to a verdict; the numbers are those of the chapters."""
    sheet = Sheet(860, 190, "From a model's output to a verdict, and where an item may drop out")
    steps = (
        (20, 110, "output", ""),
        (165, 130, "find the answer", "(5)"),
        (330, 150, "compare with the", "references (2, 3, 4)"),
        (515, 140, "mean ± error", "(1, 6)"),
        (690, 150, "is A better", "than B? (7)"),
    )
    for (x, width, *lines), following in zip(steps, [*steps[1:], None], strict=True):
        amber = following is None
        fill, colour = (WARM, AMBER) if amber else (PALE, BLUE)
        sheet.box(x, 30, width, 50, [line for line in lines if line], colour, fill)
        if following:
            sheet.arrow(x + width, 55, following[0] - 4, 55)
    sheet.box(165, 125, 315, 40, ["not measured: error, truncated, unparsed (1)"], GREY, "white")
    sheet.arrow(75, 80, 160, 141)
    sheet.arrow(230, 80, 230, 121)
    sheet.arrow(480, 145, 585, 84)
    sheet.text(545, 132, "widens the range", GREY, anchor="start")
    return sheet.svg()


def lcs_table() -> str:
    """Each cell holds the LCS of the words so far; the marked cells are one longest common subsequence."""
    cell, left, top = 54, 90, 60
    sheet = Sheet(left + cell * (len(COLUMNS) + 1) + 20, top + cell * (len(ROWS) + 1) + 20, "A table of LCS lengths")
    marked = {(i + 1, j + 1) for i, j in lcs_positions(ROWS, COLUMNS)}
    for j, word in enumerate(["", *COLUMNS]):
        sheet.text(left + cell * (j + 0.5), top - 14, word)
    for i, word in enumerate(["", *ROWS]):
        sheet.text(left - 12, top + cell * (i + 0.5) + 4, word, anchor="end")
        for j in range(len(COLUMNS) + 1):
            fill, colour = (WARM, AMBER) if (i, j) in marked else ("white", PALE)
            length = str(lcs_length(ROWS[:i], COLUMNS[:j]))
            sheet.box(left + cell * j, top + cell * i, cell - 4, cell - 4, [length], colour, fill)
    return sheet.svg()


def coins() -> str:
    """All outcomes of eight tosses; those at least as lopsided as 7 to 1 make the p-value."""
    tosses = ONLY_A + ONLY_B
    sheet = Sheet(620, 290, "How often eight fair tosses give so many heads")
    step, ground = 62, 225
    for heads in range(tosses + 1):
        count = comb(tosses, heads)
        extreme = min(heads, tosses - heads) <= min(ONLY_A, ONLY_B)
        x, height = 35 + step * heads, 2.4 * count
        sheet.box(x, ground - height, step - 14, height, (), AMBER if extreme else BLUE, WARM if extreme else PALE)
        sheet.text(x + step / 2 - 7, ground - height - 6, str(count), AMBER if extreme else INK, 12)
        sheet.text(x + step / 2 - 7, ground + 18, f"{heads} : {tosses - heads}", GREY, 12)
    p = mcnemar([1] * ONLY_A + [0] * ONLY_B, [0] * ONLY_A + [1] * ONLY_B).p
    sheet.text(310, ground + 48, f"7 : 1 or more lopsided: 18 of 256, p = {p:.3f}", AMBER)
    return sheet.svg()


FIGURES = {"way": way, "lcs_table": lcs_table, "coins": coins}


def main() -> int:
    for name, draw in FIGURES.items():
        (HERE / f"{name}.svg").write_text(draw(), encoding="utf-8", newline="\n")
        print(f"figures/{name}.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
