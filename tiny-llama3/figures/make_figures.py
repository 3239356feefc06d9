"""The tutorial's figures, drawn as SVG text from the track's own numbers: python figures/make_figures.py

Nothing but strings: an SVG is a text file, and what it shows is computed by the code that the tutorial explains.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from tiny_shared.pictures.flow import STYLE, Box, arrow, flow
from tiny_shared.pictures.svg import rect, svg, text, write

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from tiny_llama3.align.ppo import generalised_advantages  # noqa: E402
from tiny_llama3.batches import batch_of  # noqa: E402
from tiny_llama3.bpe import BYTE_ORDER, learn_merges  # noqa: E402
from tiny_llama3.schedule import rate_share  # noqa: E402
from tiny_llama3.show_merges import show_merges  # noqa: E402
from tiny_llama3.tokenizer import Tokenizer  # noqa: E402

COLOURS = """<style>
  .on { fill: #2f5aa8; stroke: #8c959f } .off { fill: none; stroke: #8c959f } .other { fill: #c9741a; stroke: #8c959f }
  .blue { stroke: #2f7de0; fill: none; stroke-width: 2.5 } .amber { stroke: #e08a2f; fill: none; stroke-width: 2.5 }
</style>"""


def card(width: int, height: int, title: str, parts: list[str]) -> str:
    return svg(width, height, title, [f"<style>{STYLE}\n</style>", COLOURS, rect(1, 1, width - 2, height - 2, "card"),
                                      *parts])  # fmt: skip


def centred(x: float, y: float, kind: str, words: str) -> str:
    return text(x, y, kind, words, 'text-anchor="middle"')


def way() -> str:
    """From raw text to new text."""
    rows = [
        [
            Box("Text", ("files, JSONL, .gz", "or the built-in stories"), "documents.py"),
            Box("Tokens", ("bytes, joined by", "learned merges"), "bpe.py"),
            Box("Shards", ("BOS … EOS BOS … EOS", "on disk, 16 bits each"), "shards.py"),
            Box("Rows", ("a window, its questions,", "who sees whom"), "batches.py"),
        ],
        [
            Box("Model", ("layers that add", "to a stream"), "model.py"),
            Box("Training", ("loss, gradient, Muon,", "schedule, checkpoints"), "training.py"),
            Box("Is it normal?", ("floor and reference", "beside the curve"), "check_run.py"),
            Box("New text", ("one token at a time,", "with a cache"), "generate.py"),
        ],
    ]
    labels = [(24, "What it reads"), (150, "What it becomes")]
    turn = [(807, 184), (807, 226), (123, 226), (123, 264)]
    return flow("From raw text to a model that writes, and the file of each step", labels, rows, turn)


def merges() -> str:
    """Chapter 2: "crate" by the merges of that chapter."""
    learned = learn_merges({"at": 5, "cat": 4, "rat": 3, "rate": 2}, wanted=10)
    token = [bytes([byte]) for byte in BYTE_ORDER]
    for left, right in learned:
        token.append(token[left] + token[right])
    ranks = {(token[left], token[right]): rank for rank, (left, right) in enumerate(learned)}
    (shown,) = show_merges(Tokenizer({piece: id for id, piece in enumerate(token)}, ranks), "crate")
    parts, lines = [], [(shown.start, "bytes")]
    lines += [(step.pieces, f"rank {step.rank}: {step.left.decode()} + {step.right.decode()}") for step in shown.steps]
    for row, (pieces, why) in enumerate(lines):
        left = 30
        for piece in pieces:
            width = 60 * len(piece) - 8
            parts.append(rect(left, 24 + 58 * row, width, 40, "goal" if len(piece) > 1 else "box"))
            parts.append(centred(left + width / 2, 50 + 58 * row, "title", piece.decode()))
            left += width + 8
        parts.append(text(350, 50 + 58 * row, "body", why))
    return card(540, 24 + 58 * len(lines), "The bytes of crate are joined in the order of the ranks", parts)


def packed() -> str:
    """Chapter 3: the mask of two documents in a row."""
    batch = batch_of([np.array([1, 5, 6, 2, 1, 7, 8, 9, 2])], first_id=1)
    documents, ids = batch.documents_BT[0].tolist(), batch.ids_BT[0].tolist()
    names = ["B" if id == 1 else "E" if id == 2 else str(id) for id in ids]
    parts = [centred(220, 24, "row", "is looked at")]
    for row, name in enumerate(names):
        parts += [centred(84, 72 + 34 * row, "body", name), centred(117 + 34 * row, 44, "body", name)]
        for column in range(len(names)):
            seen = column <= row and documents[row] == documents[column]
            kind = "off" if not seen else "on" if documents[row] == documents[0] else "other"
            parts.append(rect(102 + 34 * column, 52 + 34 * row, 30, 30, kind))
    parts.append(text(16, 192, "row", "looks"))
    return card(400, 344, "Who sees whom when two documents share a row: each a triangle of its own", parts)


def layer() -> str:
    """Chapter 4: one layer."""
    parts = [rect(24, 92, 90, 50, "box"), centred(69, 122, "title", "stream"), *arrow([(114, 117), (852, 117)])]
    parts += [text(820, 104, "file", "T × D")]
    for left, add, name, lines, file in (
        (150, 440, "attention", ("q, k, v; turn q and k;", "softmax; mix v; Wo"), "attention.py"),
        (500, 780, "feed-forward", ("silu(gate) · up,", "then down"), "model.py"),
    ):
        parts += arrow([(left - 10, 117), (left - 10, 210), (left + 4, 210)])
        parts += [rect(left + 8, 184, 74, 52, "box"), centred(left + 45, 215, "body", "RMSNorm")]
        parts += arrow([(left + 82, 210), (left + 98, 210)])
        width = add - left - 134 if name == "feed-forward" else 166
        parts += [rect(left + 102, 170, width, 82, "box"), text(left + 112, 192, "title", name)]
        parts += [text(left + 112, 212 + 17 * row, "body", line) for row, line in enumerate(lines)]
        parts += arrow([(left + 102 + width, 210), (add, 210), (add, 132)])
        parts += [f'<circle class="goal" cx="{add}" cy="117" r="13"/>', centred(add, 123, "title", "+")]
        parts += [text(left + 112, 270, "file", file)]
    parts.append(
        text(24, 40, "row", "A layer reads the stream twice, each time a normalised copy of it, and adds to it.")
    )
    return card(880, 290, "One layer: attention and feed-forward each add to the stream", parts)


def schedule() -> str:
    """Chapter 5: 100 steps, ten of warm-up."""
    parts = [f'<polyline class="line" points="{60} {30}, {60} {200}, {480} {200}"/>']
    for kind, shape in (("blue", "cosine"), ("amber", "wsd")):
        heights = [rate_share(step, 100, shape, 10, 0.4, 0.0) for step in range(1, 101)]
        points = ", ".join(f"{60 + 4.1 * step:.1f} {200 - 160 * height:.1f}" for step, height in enumerate(heights, 1))
        parts.append(f'<polyline class="{kind}" points="{points}"/>')
    parts += [text(360, 60, "body", "wsd"), text(190, 98, "body", "cosine"), centred(270, 224, "row", "step, 1 to 100")]
    parts += [text(40, 46, "row", "1"), text(40, 204, "row", "0")]
    return card(520, 240, "Two learning-rate schedules: a cosine, and warm-up, stable, decay", parts)


def cache() -> str:
    """Chapter 8: positions that each new token computes, after a prompt of three."""
    parts = []
    for left, name, cached in ((24, "without a cache", False), (300, "with a cache", True)):
        parts.append(text(left, 30, "title", name))
        computed = 0
        for row, positions in enumerate(range(3, 8)):
            for place in range(positions):
                new = not cached or row == 0 or place == positions - 1
                computed += new
                parts.append(rect(left + 30 * place, 46 + 30 * row, 26, 26, "on" if new else "off"))
        parts.append(text(left, 220, "body", f"{computed} positions for 5 tokens"))
    return card(560, 240, "Without a cache each new token computes all positions again", parts)


def advantages() -> str:
    """Chapter 12: what the critic expects at each token of an answer that gets 1, and how it is praised."""
    values = [0.5, 0.6, 0.8]
    rewards, expected = torch.tensor([[0.0, 0.0, 1.0]]), torch.tensor([values])
    every = torch.ones(1, 3, dtype=torch.bool)
    praise = generalised_advantages(rewards, expected, every, 1.0, 0.95)[0][0].tolist()
    parts = [text(24, 30, "title", "expected so far"), text(320, 30, "title", "praise, λ = 0.95")]
    for left, heights, kind, names in (
        (40, [*values, 1.0], "on", ["token 1", "token 2", "token 3", "reward"]),
        (340, praise, "other", ["token 1", "token 2", "token 3"]),
    ):
        for place, (height, name) in enumerate(zip(heights, names, strict=True)):
            x, tall = left + 66 * place, round(140 * height)
            parts += [rect(x, 200 - tall, 44, tall, kind), centred(x + 22, 190 - tall, "body", f"{height:.2f}"),
                      centred(x + 22, 220, "row", name)]  # fmt: skip
    return card(560, 240, "A token is praised for raising the expectation, and for what the next ones earn", parts)


FIGURES: dict[str, Callable[[], str]] = {
    "way": way, "merges": merges, "packed": packed, "layer": layer, "schedule": schedule, "cache": cache,
    "advantages": advantages,
}  # fmt: skip


if __name__ == "__main__":
    write(HERE, {f"{name}.svg": draw() for name, draw in FIGURES.items()})
