"""The READMEs' pictures, drawn as SVG by code: the pipeline in two languages, and the demonstration's real output.

Run from anywhere: python docs/make_pictures.py
"""

from pathlib import Path

from tiny_shared.pictures.flow import COLUMNS, GUTTER, HEIGHT, ROWS, WIDTH, Box, Step, flow
from tiny_shared.pictures.svg import write
from tiny_shared.pictures.terminal import BLUE, BRIGHT, GREEN, PLAIN, PURPLE, demonstration, terminal

HERE = Path(__file__).resolve().parent

# ---- the pipeline --------------------------------------------------------------------------------------------------

# The title, what each row is, and the rows.
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
    legs, fusion = COLUMNS[3] + WIDTH // 2, COLUMNS[1] + WIDTH // 2
    turn = [(legs, ROWS[0] + HEIGHT), (legs, GUTTER), (fusion, GUTTER), (fusion, ROWS[1] - 4)]
    return flow(words[0], [(COLUMNS[0], label) for label in words[1:]], [index, ask], turn)


# ---- the terminal --------------------------------------------------------------------------------------------------

TITLE = "The demonstration: three questions, two cited answers, one honest refusal"
COLOURS = {"$": GREEN, "Q": BLUE, "A": BRIGHT, "[": PURPLE}


def colour(line: str) -> str:
    """Commands, questions, answers, citations, the rest."""
    return COLOURS.get(line.lstrip()[:1], PLAIN)


def pictures() -> dict[str, str]:
    """Every picture's file name and content."""
    drawn = {name: pipeline(*parts) for name, parts in PIPELINE.items()}
    return drawn | {"demo.svg": terminal(TITLE, demonstration(HERE.parent), colour)}


if __name__ == "__main__":
    write(HERE, pictures())
