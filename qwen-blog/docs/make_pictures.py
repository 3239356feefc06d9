"""The READMEs' pictures, drawn as SVG by code: a tensor's way in two languages, and the demonstration's real output.

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
        ["A tensor's way through a Qwen", "from text into the layers", "a layer's second half, and out"],
        [
            Box("Text", ["bytes, merged into", "tokens, one id each"], "tokenizer.py"),
            Box("Embedding", ["each id becomes a row", "of D numbers"], "model.py"),
            Box("RMSNorm", ["a copy of the row,", "brought to one length"], "rmsnorm.py"),
            Box("Attention", ["rows look at rows: RoPE,", "mask, softmax, GQA"], "attention.py"),
        ],
        [
            Box("Residual", ["added, never replaced;", "so after every part"], "model.py"),
            (Box("MLP", ["a gate and features"], "mlp.py"), Box("Experts", ["a few of many"], "experts.py")),
            Box("Layers", ["the same again, with", "other weights"], "qwen3.py"),
            Box("Next token", ["compared with all tokens,", "one is taken"], "generate.py"),
        ],
    ),
    "way.zh-CN.svg": (
        ["张量穿过 Qwen 的路", "从文本进入各层", "层的后半，直到输出"],
        [
            Box("文本", ["字节合并成词元，", "每个词元一个编号"], "tokenizer.py"),
            Box("嵌入", ["每个编号变成一行", "D 个数"], "model.py"),
            Box("RMSNorm", ["复制一行，", "缩放到同一长度"], "rmsnorm.py"),
            Box("注意力", ["行看行：RoPE、掩码、", "softmax、GQA"], "attention.py"),
        ],
        [
            Box("残差", ["只加不换，", "每个部件之后都如此"], "model.py"),
            (Box("MLP", ["一扇门，一组特征"], "mlp.py"), Box("专家", ["众多之中选几位"], "experts.py")),
            Box("各层", ["同样的结构，", "不同的权重"], "qwen3.py"),
            Box("下一个词元", ["与所有词元比较，", "取出一个"], "generate.py"),
        ],
    ),
}
TITLE = "The demonstration: the shipped model answers a question, and its forward pass becomes a page"


def way(words: list[str], first: list[Step], second: list[Step]) -> str:
    """The picture of one language."""
    left, gutter = COLUMNS[3] + WIDTH // 2, GUTTER - 12
    turn = [(left, ROWS[0] + HEIGHT), (left, gutter), (ENTRY, gutter), (ENTRY, ROWS[1] - 4)]
    return flow(words[0], [(COLUMNS[0], words[1]), (ENTRY + 14, words[2])], [first, second], turn, file_rise=11)


def colour(line: str) -> str:
    """Commands, answers, results, the rest."""
    if line.startswith("$ "):
        return BLUE
    if line.startswith("The blue lamp"):
        return PURPLE
    if ".html: " in line:
        return GREEN
    return BRIGHT if "of its attention" in line else PLAIN


def pictures() -> dict[str, str]:
    """Every picture's file name and content."""
    output = demonstration(HERE.parent).replace("\\", "/")
    return {name: way(*parts) for name, parts in WAY.items()} | {"demo.svg": terminal(TITLE, output, colour)}


if __name__ == "__main__":
    write(HERE, pictures())
