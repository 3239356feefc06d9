"""Two rows of four steps, each from left to right, and an arrow from the upper row into the lower one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tiny_shared.pictures.svg import rect, svg, text

STYLE = """
  .card { fill: #f6f8fa; stroke: #d0d7de }
  .box { fill: #ffffff; stroke: #8c959f } .goal { fill: #dafbe1; stroke: #1a7f37 }
  .line { stroke: #57606a; fill: none; stroke-width: 1.8 } .tip { fill: #57606a }
  text { font-family: system-ui, 'Segoe UI', 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif }
  .title { fill: #1f2328; font-size: 17px; font-weight: 600 } .body { fill: #424a53; font-size: 13.5px }
  .file { fill: #0550ae; font-size: 12.5px; font-family: ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace }
  .row { fill: #57606a; font-size: 13.5px }
  @media (prefers-color-scheme: dark) {
    .card { fill: #161b22; stroke: #30363d }
    .box { fill: #0d1117; stroke: #6e7681 } .goal { fill: #12261e; stroke: #3fb950 }
    .line { stroke: #9da7b3 } .tip { fill: #9da7b3 }
    .title { fill: #f0f6fc } .body { fill: #c9d1d9 } .file { fill: #79c0ff } .row { fill: #9da7b3 }
  }"""
COLUMNS = (24, 252, 480, 708)  # left edges
WIDTH, HEIGHT = 198, 122
ROWS = (62, 268)  # upper edges
GUTTER = (ROWS[0] + HEIGHT + ROWS[1]) // 2  # half-way between the rows
SPLIT = 56  # height of each of two boxes in the place of one


@dataclass(frozen=True)
class Box:
    """A step: its name, what it does in a few words, and the file that does it."""

    title: str
    lines: Sequence[str]
    file: str = ""


Step = Box | tuple[Box, Box]  # a pair is drawn as two boxes, one above the other
Point = tuple[int, int]


def flow(
    title: str,
    labels: Sequence[tuple[int, str]],
    rows: Sequence[Sequence[Step]],
    turn: Sequence[Point],
    file_rise: int = 14,
) -> str:
    """The picture; the last step of the lower row is the goal.

    labels     for each row where its heading starts, and its words
    turn       the points of the arrow between the rows, which runs along the axes
    file_rise  from the lower edge of a box to the name of its file, in pixels
    """
    parts = [f"<style>{STYLE}\n</style>", rect(1, 1, 928, 418, "card")]
    for upper, (left, words) in zip(ROWS, labels, strict=True):
        parts.append(text(left, upper - 16, "row", words))
    for upper, steps in zip(ROWS, rows, strict=True):
        for left, step in zip(COLUMNS, steps, strict=True):
            parts += boxes(left, upper, step, step is rows[-1][-1], file_rise)
        for left, right in pairwise(COLUMNS):
            parts += arrow([(left + WIDTH, upper + HEIGHT // 2), (right - 4, upper + HEIGHT // 2)])
    return svg(930, 420, title, [*parts, *arrow(turn)])


def boxes(left: int, upper: int, step: Step, is_goal: bool, file_rise: int = 14) -> Iterator[str]:
    """One box, or two of half the height."""
    if isinstance(step, Box):
        yield rect(left, upper, WIDTH, HEIGHT, "goal" if is_goal else "box")
        yield text(left + 14, upper + 29, "title", step.title)
        for i, line in enumerate(step.lines):
            yield text(left + 14, upper + 55 + 20 * i, "body", line)
        yield text(left + 14, upper + HEIGHT - file_rise, "file", step.file)
        return
    for half, top in zip(step, (upper, upper + HEIGHT - SPLIT), strict=True):
        yield rect(left, top, WIDTH, SPLIT, "box")
        yield text(left + 14, top + 23, "title", half.title)
        yield text(left + WIDTH - 14, top + 23, "file", half.file, 'text-anchor="end"')
        yield text(left + 14, top + 44, "body", half.lines[0])


def arrow(points: Sequence[Point]) -> list[str]:
    """A line through the points, which run along the axes, with a tip at the last one."""
    (_, y0), (x, y) = points[-2:]
    tip = f"{x} {y}, {x - 9} {y - 5}, {x - 9} {y + 5}" if y0 == y else f"{x} {y}, {x - 5} {y - 9}, {x + 5} {y - 9}"
    return [
        f'<polyline class="line" points="{", ".join(f"{a} {b}" for a, b in points)}"/>',
        f'<polygon class="tip" points="{tip}"/>',
    ]
