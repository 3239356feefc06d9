"""The READMEs' pictures, drawn as SVG by code: the pipeline in two languages, and the demonstration's real output.

Run from anywhere: python docs/make_pictures.py

GitHub shows a picture on white or on near black and doesn't tell it which. So each stands on a card of its own; the
pipeline's card follows the reader's system, the terminal is dark everywhere.
"""

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

# ---- the pipeline --------------------------------------------------------------------------------------------------

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
ROWS = (62, 268)  # upper edges: making the index, asking it
SPLIT = 56  # height of each of two boxes in the place of one


@dataclass(frozen=True)
class Box:
    """A step: its name, what it does in a few words, and the file that does it."""

    title: str
    lines: Sequence[str]
    file: str = ""


# Both rows from left to right; a pair is drawn as two boxes, one above the other.
Step = Box | tuple[Box, Box]
PIPELINE: dict[str, tuple[list[str], list[Step], list[Step]]] = {
    "pipeline.svg": (
        ["How tiny-rag answers", "index: once for each file that changed", "ask: for every question"],
        [
            Box("Documents", ["PDF, Word, HTML,", "Markdown, text,", "JSON, CSV"]),
            Box("Readers", ["text, page, heading;", "broken files put aside"], "readers/"),
            Box("Chunks", ["no character lost,", "every offset known"], "chunker.py"),
            (Box("BM25", ["the same words"], "bm25.py"), Box("LSA", ["the same topics"], "lsa.py")),
        ],
        [
            Box("Question", ["English or Chinese"]),
            Box("Fusion", ["one ranking from two,", "weighed without labels"], "hybrid.py"),
            (Box("Prompt", ["for a chat model"], "prompt.py"), Box("Quotes", ["without one"], "extract.py")),
            Box("Cited answer", ["[1] file, page, offsets,", "or “not in the documents”"], "citations.py"),
        ],
    ),
    "pipeline.zh-CN.svg": (
        ["tiny-rag 怎样作答", "建索引：文件变了才重做", "提问：每次都走一遍"],
        [
            Box("文档", ["PDF、Word、HTML、", "Markdown、纯文本、", "JSON、CSV"]),
            Box("读取", ["正文、页码、标题；", "坏文件单独隔离"], "readers/"),
            Box("切块", ["一个字也不丢，", "位置都能对回原文"], "chunker.py"),
            (Box("BM25", ["用词相同"], "bm25.py"), Box("LSA", ["话题相近"], "lsa.py")),
        ],
        [
            Box("问题", ["中文或英文"]),
            Box("融合", ["两种得分合成一个排名，", "权重不靠人工标注"], "hybrid.py"),
            (Box("提示词", ["交给大模型"], "prompt.py"), Box("摘句", ["没有模型时"], "extract.py")),
            Box("带引用的回答", ["[1] 文件、页码、字符位置，", "或者“文档中没有”"], "citations.py"),
        ],
    ),
}


def pipeline(words: list[str], index: list[Step], ask: list[Step]) -> str:
    """The picture of one language."""
    parts = [f"<style>{STYLE}\n</style>", rect(1, 1, 928, 418, "card")]
    for upper, label in zip(ROWS, words[1:], strict=True):
        parts.append(text(COLUMNS[0], upper - 16, "row", label))
    for upper, steps in zip(ROWS, (index, ask), strict=True):
        for left, step in zip(COLUMNS, steps, strict=True):
            parts += boxes(left, upper, step, is_goal=step is ask[-1])
        for left, right in pairwise(COLUMNS):
            parts += arrow([(left + WIDTH, upper + HEIGHT // 2), (right - 4, upper + HEIGHT // 2)])
    gutter, legs, fusion = (ROWS[0] + HEIGHT + ROWS[1]) // 2, COLUMNS[3] + WIDTH // 2, COLUMNS[1] + WIDTH // 2
    parts += arrow([(legs, ROWS[0] + HEIGHT), (legs, gutter), (fusion, gutter), (fusion, ROWS[1] - 4)])
    return svg(930, 420, words[0], parts)


def boxes(left: int, upper: int, step: Step, is_goal: bool) -> Iterator[str]:
    """One box, or two of half the height."""
    if isinstance(step, Box):
        yield rect(left, upper, WIDTH, HEIGHT, "goal" if is_goal else "box")
        yield text(left + 14, upper + 29, "title", step.title)
        for i, line in enumerate(step.lines):
            yield text(left + 14, upper + 55 + 20 * i, "body", line)
        yield text(left + 14, upper + HEIGHT - 14, "file", step.file)
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
COLOURS = {"$": "#7ee787", "Q": "#79c0ff", "A": "#f0f6fc", "[": "#d2a8ff", "": "#9da7b3"}
NOT_FIRST = "，。、；：？！）》”’,.;:?!)]"  # no line begins with these


def demonstration() -> str:
    """What `python main.py` prints."""
    done = subprocess.run([sys.executable, "main.py"], cwd=TRACK, capture_output=True, encoding="utf-8", check=True)
    return done.stdout


def terminal(output: str) -> str:
    """A terminal window with this output in it."""
    rows: list[tuple[str, str]] = [("$", "$ python main.py"), ("", "")]
    for line in output.rstrip().split("\n"):
        kind = next((mark for mark in "QA[" if line.lstrip().startswith(mark)), "")
        rows += [(kind, piece) for piece in wrap(line)]
    height = 62 + LINE * len(rows)
    parts = [f'<rect x="1" y="1" width="868" height="{height - 2}" rx="10" fill="#0d1117" stroke="#484f58"/>']
    parts += [f'<circle cx="{22 + 20 * i}" cy="22" r="6" fill="#484f58"/>' for i in range(3)]
    font = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', 'Noto Sans Mono CJK SC', monospace"
    parts.append(f'<g font-family="{font}" font-size="14">')
    for i, (kind, piece) in enumerate(rows):
        shown = piece.lstrip()  # SVG drops leading spaces, so they become distance
        x = 24 + CELL * (len(piece) - len(shown))
        if shown:
            parts.append(f'<text x="{x:g}" y="{62 + LINE * i}" fill="{COLOURS[kind]}">{escape(shown)}</text>')
    title = "The demonstration: three questions, two cited answers, one honest refusal"
    return svg(870, height, title, [*parts, "</g>"])


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
    return {name: pipeline(*parts) for name, parts in PIPELINE.items()} | {"demo.svg": terminal(demonstration())}


if __name__ == "__main__":
    for name, content in pictures().items():
        (HERE / name).write_text(content, encoding="utf-8", newline="\n")
        print(HERE / name)
