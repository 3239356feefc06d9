"""The READMEs' pictures, drawn as SVG by code: a score's way in two languages, and the demonstration's real output.

Run from anywhere: python docs/make_pictures.py

GitHub shows a picture on white or on near black and doesn't tell it which. So each stands on a card of its own; the
way's card follows the reader's system, the terminal is dark everywhere.
"""

import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from xml.sax.saxutils import escape

HERE = Path(__file__).resolve().parent
TRACK = HERE.parent

# ---- a score's way -------------------------------------------------------------------------------------------------

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
ROWS = (62, 268)  # upper edges: one file scored, two files compared
ENTRY = COLUMNS[0] + 30  # where the second row is entered from above
SPLIT = 56  # height of each of two boxes in the place of one


@dataclass(frozen=True)
class Box:
    """A step: its name, what it does in a few words, and the file that does it."""

    title: str
    lines: Sequence[str]
    file: str = ""


# Both rows from left to right; a pair is drawn as two boxes, one above the other.
Step = Box | tuple[Box, Box]
WAY: dict[str, tuple[list[str], list[Step], list[Step]]] = {
    "way.svg": (
        ["How tiny-eval scores and compares", "score: row by row", "compare: two files, item by item"],
        [
            Box("Predictions", ["JSON Lines, LongBench's", "files as they are"], "rows.py"),
            Box("Answer", ["found by named rules,", "past any <think>"], "extraction.py"),
            Box("Metric", ["0 to 1; the best of", "several references"], "metrics/"),
            (Box("Score", ["mean, error, range"], "score.py"), Box("Not measured", ["and why: outcomes.py"])),
        ],
        [
            Box("Pairs", ["the same ids, the same", "references, or no result"], "compare.py"),
            Box("Differences", ["hard items are hard", "for both: that cancels"], "stats/paired.py"),
            (Box("Interval", ["of the mean difference"]), Box("Permutation", ["chance, tossed anew"])),
            Box("Verdict", ["better, or: can't tell,", "and how many items", "would settle it"]),
        ],
    ),
    "way.zh-CN.svg": (
        ["tiny-eval 怎样打分、怎样比较", "打分：一行一行来", "比较：两个文件，一题一题对"],
        [
            Box("预测文件", ["JSON Lines；LongBench", "的文件拿来就用"], "rows.py"),
            Box("答案", ["跳过 <think>，", "按有名字的规则提取"], "extraction.py"),
            Box("指标", ["0 到 1；几个参考答案，", "取最好的"], "metrics/"),
            (Box("得分", ["均值、误差、范围"], "score.py"), Box("未测到", ["写明原因：outcomes.py"])),
        ],
        [
            Box("配对", ["编号相同，参考也相同，", "否则不比"], "compare.py"),
            Box("逐题的差", ["难题对谁都难，", "一减就抵消了"], "stats/paired.py"),
            (Box("区间", ["差的均值落在哪里"]), Box("置换检验", ["全凭运气会怎样"])),
            Box("结论", ["谁更好；或者分不出，", "以及要多少题才分得出"]),
        ],
    ),
}


def way(words: list[str], score: list[Step], compare: list[Step]) -> str:
    """The picture of one language."""
    parts = [f"<style>{STYLE}\n</style>", rect(1, 1, 928, 418, "card")]
    parts.append(text(COLUMNS[0], ROWS[0] - 16, "row", words[1]))
    parts.append(text(ENTRY + 14, ROWS[1] - 16, "row", words[2]))
    for upper, steps in zip(ROWS, (score, compare), strict=True):
        for left, step in zip(COLUMNS, steps, strict=True):
            parts += boxes(left, upper, step, is_goal=step is compare[-1])
        for left, right in pairwise(COLUMNS):
            parts += arrow([(left + WIDTH, upper + HEIGHT // 2), (right - 4, upper + HEIGHT // 2)])
    gutter, scored = (ROWS[0] + HEIGHT + ROWS[1]) // 2 - 12, COLUMNS[3] + WIDTH // 2
    parts += arrow([(scored, ROWS[0] + HEIGHT), (scored, gutter), (ENTRY, gutter), (ENTRY, ROWS[1] - 4)])
    return svg(930, 420, words[0], parts)


def boxes(left: int, upper: int, step: Step, is_goal: bool) -> Iterator[str]:
    """One box, or two of half the height."""
    if isinstance(step, Box):
        yield rect(left, upper, WIDTH, HEIGHT, "goal" if is_goal else "box")
        yield text(left + 14, upper + 29, "title", step.title)
        for i, line in enumerate(step.lines):
            yield text(left + 14, upper + 55 + 20 * i, "body", line)
        yield text(left + 14, upper + HEIGHT - 11, "file", step.file)
        return
    for half, top in zip(step, (upper, upper + HEIGHT - SPLIT), strict=True):
        yield rect(left, top, WIDTH, SPLIT, "box")
        yield text(left + 14, top + 23, "title", half.title)
        yield text(left + WIDTH - 14, top + 23, "file", half.file, 'text-anchor="end"')
        yield text(left + 14, top + 44, "body", half.lines[0])


def arrow(points: list[tuple[int, int]]) -> list[str]:
    """A line through the points, which run along the axes, with a tip at the last one."""
    (_, y0), (x, y) = points[-2:]
    tip = f"{x} {y}, {x - 9} {y - 5}, {x - 9} {y + 5}" if y0 == y else f"{x} {y}, {x - 5} {y - 9}, {x + 5} {y - 9}"
    return [
        f'<polyline class="line" points="{", ".join(f"{a} {b}" for a, b in points)}"/>',
        f'<polygon class="tip" points="{tip}"/>',
    ]


# ---- the terminal --------------------------------------------------------------------------------------------------

CELLS = 96  # of a line; a Chinese character takes two
CELL, LINE = 8.43, 22  # pixels, at a size of 14
PROMPT, COMMON, VERDICT, BRIGHT, PLAIN = "#79c0ff", "#7ee787", "#d2a8ff", "#f0f6fc", "#9da7b3"
NOT_FIRST = "，。、；：？！）》”’,.;:?!)]"  # no line begins with these


def demonstration() -> str:
    """What `python main.py` prints."""
    done = subprocess.run([sys.executable, "main.py"], cwd=TRACK, capture_output=True, encoding="utf-8", check=True)
    return done.stdout.replace("\\", "/")  # in the files' names, on Windows


def terminal(output: str) -> str:
    """A terminal window with this output in it."""
    lines = ["$ python main.py", "", *output.rstrip().split("\n")]
    rows = [(row, colour(line)) for line in lines for row in wrap(line)]
    height = 62 + LINE * len(rows)
    parts = [f'<rect x="1" y="1" width="868" height="{height - 2}" rx="10" fill="#0d1117" stroke="#484f58"/>']
    parts += [f'<circle cx="{22 + 20 * i}" cy="22" r="6" fill="#484f58"/>' for i in range(3)]
    font = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', 'Noto Sans Mono CJK SC', monospace"
    parts.append(f'<g font-family="{font}" font-size="14">')
    for i, (row, fill) in enumerate(rows):
        for at, words, is_common in pieces(row):
            x, y = 24 + CELL * at, 62 + LINE * i
            parts.append(f'<text x="{x:g}" y="{y}" fill="{COMMON if is_common else fill}">{escape(words)}</text>')
    title = "The demonstration: two files scored, one row explained, the two compared, a verdict"
    return svg(870, height, title, [*parts, "</g>"])


def colour(line: str) -> str:
    """Commands, verdicts, lines with results, the rest."""
    if line.startswith("$ "):
        return PROMPT
    if " points " in line and " interval " in line:
        return VERDICT
    return BRIGHT if re.search(r"\d\.\d", line) else PLAIN


def pieces(row: str) -> Iterator[tuple[int, str, bool]]:
    """Words, the column they start at, and whether they are a token in common.

    SVG joins spaces, so what two spaces part is placed on its own; in an alignment every token is.
    """
    is_alignment = row.startswith(("prediction  ", "reference  "))
    for match in re.finditer(r"\S+" if is_alignment else r"\S+(?: \S+)*", row):
        yield cells(row[: match.start()]), match[0], is_alignment and match[0].startswith("[")


def wrap(line: str) -> Iterator[str]:
    """The line in pieces of at most CELLS, cut at spaces or between Chinese characters; all but the first indented."""
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


# ---- SVG -----------------------------------------------------------------------------------------------------------


def svg(width: int, height: int, title: str, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">'
    return "\n".join([head, f"<title>{escape(title)}</title>", *parts, "</svg>", ""])


def rect(x: int, y: int, width: int, height: int, kind: str) -> str:
    return f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="9"/>'


def text(x: float, y: float, kind: str, content: str, more: str = "") -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" {more}>{escape(content)}</text>' if content else ""


def pictures() -> dict[str, str]:
    """Every picture's file name and content."""
    return {name: way(*parts) for name, parts in WAY.items()} | {"demo.svg": terminal(demonstration())}


if __name__ == "__main__":
    for name, content in pictures().items():
        (HERE / name).write_text(content, encoding="utf-8", newline="\n")
        print(HERE / name)
