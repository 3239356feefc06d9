"""The READMEs' pictures, drawn as SVG by code: a question's way in two languages, and the demonstration's real output.

Run from anywhere: python docs/make_pictures.py
"""

from pathlib import Path

from tiny_shared.pictures.flow import COLUMNS, GUTTER, HEIGHT, ROWS, WIDTH, Box, Step, flow
from tiny_shared.pictures.svg import write
from tiny_shared.pictures.terminal import BLUE, BRIGHT, GREEN, PLAIN, PURPLE, demonstration, terminal

HERE = Path(__file__).resolve().parent
ENTRY = COLUMNS[0] + 30  # where the second row is entered from above
WAY: dict[str, tuple[list[str], list[Step], list[Step]]] = {
    "way.svg": (
        ["How tiny-agent answers", "the model's turn", "the program's turn, and back again"],
        [
            Box("Question", ["and what was said and", "found so far"], "context.py"),
            Box("Model", ["a server's, or our own", "of 1.3 million weights"], "model.py"),
            Box("Reading", ["what does it want? if", "unclear: a correction"], "react.py"),
            (Box("Calls", ["one or several"]), Box("Answer", ["or a limit: the end"], "loop.py")),
        ],
        [
            Box("Checked", ["is there such a tool, do", "the arguments fit?"], "tools/"),
            Box("Approved", ["auto, ask, deny; stricter", "after foreign text"], "policy.py"),
            (Box("Tools", ["calculator, notes …"]), Box("Sandbox", ["for Python"], "sandbox/")),
            Box("Told", ["outputs between marks,", "cut where too long;", "the model's turn again"]),
        ],
    ),
    "way.zh-CN.svg": (
        ["tiny-agent 怎样回答", "轮到模型", "轮到程序，然后再轮到模型"],
        [
            Box("问题", ["以及到现在为止说过的、", "查到的"], "context.py"),
            Box("模型", ["服务器上的，或者自带的", "130 万参数"], "model.py"),
            Box("解析", ["它想做什么？读不懂就", "告诉它改哪里"], "react.py"),
            (Box("调用", ["一个或几个"]), Box("答案", ["或到了上限：结束"], "loop.py")),
        ],
        [
            Box("检查", ["有没有这个工具，参数", "对不对？"], "tools/"),
            Box("批准", ["自动、询问、拒绝；有了", "外来文字就更严"], "policy.py"),
            (Box("工具", ["计算器、笔记……"]), Box("沙箱", ["跑 Python"], "sandbox/")),
            Box("告知", ["结果夹在记号之间，", "太长就截断；", "又轮到模型"]),
        ],
    ),
}
TITLE = "The demonstration: the shipped model answers four questions by calling tools"


def way(words: list[str], model: list[Step], program: list[Step]) -> str:
    """The picture of one language."""
    left, gutter = COLUMNS[3] + WIDTH // 2, GUTTER - 12
    turn = [(left, ROWS[0] + HEIGHT), (left, gutter), (ENTRY, gutter), (ENTRY, ROWS[1] - 4)]
    return flow(words[0], [(COLUMNS[0], words[1]), (ENTRY + 14, words[2])], [model, program], turn, file_rise=11)


def colour(line: str) -> str:
    """Commands, answers, calls and results, the rest."""
    if line.startswith("$ "):
        return BLUE
    if line.startswith("answer"):
        return PURPLE
    if line.startswith("  call"):
        return BRIGHT
    return GREEN if line.startswith("  result") else PLAIN


def pictures() -> dict[str, str]:
    """Every picture's file name and content."""
    output = demonstration(HERE.parent).replace("\\", "/")
    return {name: way(*parts) for name, parts in WAY.items()} | {"demo.svg": terminal(TITLE, output, colour)}


if __name__ == "__main__":
    write(HERE, pictures())
