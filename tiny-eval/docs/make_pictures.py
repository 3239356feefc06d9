"""The READMEs' pictures, drawn as SVG by code: a score's way in two languages, and the demonstration's real output.

Run from anywhere: python docs/make_pictures.py
"""

import re
from collections.abc import Iterator
from pathlib import Path

from tiny_shared.pictures.flow import COLUMNS, GUTTER, HEIGHT, ROWS, WIDTH, Box, Step, flow
from tiny_shared.pictures.svg import write
from tiny_shared.pictures.terminal import (
    BLUE,
    BRIGHT,
    GREEN,
    PLAIN,
    PURPLE,
    Piece,
    apart,
    cells,
    demonstration,
    terminal,
)

HERE = Path(__file__).resolve().parent

# ---- a score's way -------------------------------------------------------------------------------------------------

ENTRY = COLUMNS[0] + 30  # where the second row is entered from above

# The title, what each row is, and the rows.
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
    scored, gutter = COLUMNS[3] + WIDTH // 2, GUTTER - 12
    turn = [(scored, ROWS[0] + HEIGHT), (scored, gutter), (ENTRY, gutter), (ENTRY, ROWS[1] - 4)]
    labels = [(COLUMNS[0], words[1]), (ENTRY + 14, words[2])]
    return flow(words[0], labels, [score, compare], turn, file_rise=11)


# ---- the terminal --------------------------------------------------------------------------------------------------

TITLE = "The demonstration: two baselines do ten tasks, one answer explained, the two compared, a report"
PROMPT, COMMON, VERDICT = BLUE, GREEN, PURPLE


def colour(line: str) -> str:
    """Commands, verdicts, lines with results, the rest."""
    if line.startswith("$ "):
        return PROMPT
    if " points " in line and " interval " in line:
        return VERDICT
    return BRIGHT if re.search(r"\d\.\d", line) else PLAIN


def pieces(row: str) -> Iterator[Piece]:
    """In an alignment every token stands on its own, and those in common have a colour of their own."""
    if not row.startswith(("prediction  ", "reference  ")):
        yield from apart(row)
        return
    for match in re.finditer(r"\S+", row):
        yield cells(row[: match.start()]), match[0], COMMON if match[0].startswith("[") else ""


def pictures() -> dict[str, str]:
    """Every picture's file name and content."""
    output = demonstration(HERE.parent).replace("\\", "/")  # in the files' names, on Windows
    drawn = {name: way(*parts) for name, parts in WAY.items()}
    return drawn | {"demo.svg": terminal(TITLE, output, colour, pieces)}


if __name__ == "__main__":
    write(HERE, pictures())
