"""The tutorial's figures, drawn as SVG text from the track's own code: python figures/make_figures.py

Nothing but strings: an SVG is a text file, and what it shows is computed by the code that the tutorial explains.
"""

import math
import sys
from collections.abc import Sequence
from html import escape
from itertools import groupby
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import torch  # noqa: E402

from tiny_transformer.masks import causal_mask, padding_mask  # noqa: E402
from tiny_transformer.positions import sinusoidal_positions  # noqa: E402
from tiny_transformer.recipe import warmup_rate  # noqa: E402

INK, BLUE, AMBER, GREEN, GREY = "#1d2433", "#2f5aa8", "#c9741a", "#2f7d4f", "#8a93a6"
PALE, WARM, MINT, FAINT = "#e6ebf5", "#f8e6d2", "#ddf0e3", "#f6f8fb"
HALO = ' stroke="white" stroke-width="5" paint-order="stroke"'  # keeps a line away from the words on it
Point = tuple[float, float]


class Sheet:
    """Shapes on a white card, readable on any background; x grows to the right, y downwards."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
            f' font-family="system-ui, sans-serif" font-size="13" fill="{INK}">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{width}" height="{height}" rx="8" fill="white"/>',
        ]

    def text(self, x: float, y: float, words: str, colour: str = INK, size: int = 13, anchor: str = "middle",
             more: str = "") -> None:  # fmt: skip
        style = f'text-anchor="{anchor}" fill="{colour}" font-size="{size}"{more}'
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>')

    def box(self, x: float, y: float, width: float, height: float, lines: Sequence[str] = (), colour: str = BLUE,
            fill: str = PALE, more: str = "") -> None:  # fmt: skip
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="4" fill="{fill}"'
            f' stroke="{colour}"{more}/>'
        )
        for row, words in enumerate(lines):
            self.text(x + width / 2, y + height / 2 + 4.5 + 16 * (row - (len(lines) - 1) / 2), words)

    def line(self, points: Sequence[Point], colour: str = GREY, width: float = 1.5) -> None:
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="{width}"/>')

    def arrow(self, *points: Point, colour: str = GREY, width: float = 1.5) -> None:
        """A line through the points, with a tip at the last."""
        (from_x, from_y), (x, y) = points[-2:]
        length = math.hypot(x - from_x, y - from_y)
        along_x, along_y = (x - from_x) / length, (y - from_y) / length
        back_x, back_y = x - 8 * along_x, y - 8 * along_y
        self.line([*points[:-1], (back_x, back_y)], colour, width)
        tip = ((x, y), (back_x - 4 * along_y, back_y + 4 * along_x), (back_x + 4 * along_y, back_y - 4 * along_x))
        self.parts.append(f'<polygon points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in tip)}" fill="{colour}"/>')

    def svg(self) -> str:
        return "\n".join([*self.parts, "</svg>"]) + "\n"


def way() -> str:
    """A date's way through the model; the decoder reads what it has written so far."""
    sheet = Sheet(860, 250, "From text to tokens to text: the encoder reads, the decoder writes")
    source, target = "03 Mar 2021", "2021-03-03"
    middle = 180 + 11 * len(source)
    sheet.box(20, 30, 130, 40, [source], GREY, "white")
    sheet.arrow((150, 50), (178, 50))
    for number, character in enumerate(source):
        sheet.box(180 + 22 * number, 38, 20, 24, [character.replace(" ", "␣")], GREY, FAINT)
    sheet.arrow((middle, 64), (middle, 96))
    sheet.box(180, 98, 240, 50, ["encoder"], BLUE, PALE)
    sheet.arrow((420, 123), (518, 123))
    sheet.text(469, 115, "memory", GREY, 12)
    sheet.box(520, 98, 240, 50, ["decoder"], AMBER, WARM)
    for number, character in enumerate(["▶", *target[:6]]):
        sheet.box(532 + 22 * number, 182, 20, 24, [character], GREY, FAINT)
    sheet.text(532, 226, "tokens so far", GREY, 12, "start")
    sheet.arrow((600, 180), (600, 150))
    for number, character in enumerate(target[:6]):
        sheet.box(532 + 22 * number, 38, 20, 24, [character], GREY, FAINT)
    sheet.box(532 + 22 * 6, 38, 20, 24, [target[6]], AMBER, WARM)
    sheet.arrow((674, 98), (674, 64), colour=AMBER)
    sheet.arrow((690, 50), (800, 50), (800, 194), (690, 194), colour=AMBER)
    sheet.text(745, 42, "next token", AMBER, 12)
    sheet.text(middle, 26, "tokens", GREY, 12)
    sheet.text(85, 90, "text", GREY, 12)
    return sheet.svg()


def encoder_decoder() -> str:
    """Post-norm: each sub-layer's output is added to its input, then normalised."""
    sheet = Sheet(860, 680, "The encoder and the decoder, with a residual connection around every sub-layer")
    wide, tall, step, ground = 190, 30, 50, 650
    encoder, decoder = 225, 615  # the middles of both columns

    def top(level: float) -> float:
        return ground - step * level - tall / 2

    def rise(x: float, level: float) -> None:
        """From the box below to this one."""
        sheet.arrow((x, top(level - 1)), (x, top(level) + tall))

    def block(x: float, level: int, words: str, colour: str, fill: str) -> None:
        """A sub-layer, and above it the sum of what went in and what came out."""
        sheet.box(x - wide / 2, top(level), wide, tall, [words], colour, fill)
        rise(x, level)
        sheet.box(x - wide / 2, top(level + 1), wide, tall, ["add & norm"], GREY, FAINT)
        rise(x, level + 1)
        side = -1 if x == encoder else 1
        edge, outside = x + side * wide / 2, x + side * (wide / 2 + 22)
        fork, sum_y = top(level) + tall + 9, top(level + 1) + tall / 2
        sheet.arrow((x, fork), (outside, fork), (outside, sum_y), (edge, sum_y), colour=GREEN)

    for x, levels, name in ((encoder, 4, "encoder"), (decoder, 6, "decoder")):
        frame_x, frame_y = x - wide / 2 - 40, top(levels + 2) - 10
        height = top(3) + tall + 15 - frame_y
        sheet.box(frame_x, frame_y, wide + 80, height, (), GREY, "white", ' stroke-dasharray="5 4"')
        label_x, anchor = (frame_x - 8, "end") if x == encoder else (frame_x + wide + 88, "start")
        sheet.text(label_x, frame_y + height / 2 - 5, "N ×", INK, 15, anchor)
        sheet.text(label_x, frame_y + height / 2 + 13, name, GREY, 13, anchor)
        sheet.text(x, ground + 5, "source tokens" if x == encoder else "target tokens so far")
        sheet.arrow((x, ground - 10), (x, top(1) + tall))
        sheet.box(x - wide / 2, top(1), wide, tall, ["embedding × √d"])
        rise(x, 2)
        sheet.box(x - wide / 2, top(2), wide, tall, ["+ positions"])
    block(encoder, 3, "self-attention", BLUE, PALE)
    block(encoder, 5, "feed-forward", BLUE, PALE)
    block(decoder, 3, "masked self-attention", AMBER, WARM)
    block(decoder, 5, "cross-attention", AMBER, WARM)
    block(decoder, 7, "feed-forward", AMBER, WARM)
    for level, words in ((9, "linear"), (10, "softmax")):
        rise(decoder, level)
        sheet.box(decoder - wide / 2, top(level), wide, tall, [words])
    sheet.arrow((decoder, top(10)), (decoder, top(11) + tall - 4))
    sheet.text(decoder, top(11) + tall / 2 + 5, "next token")
    # what the encoder made of the source, for every layer of the decoder
    corner, cross_y = (encoder + decoder) / 2, top(5) + tall / 2
    sheet.arrow((encoder, top(6)), (encoder, top(7) - 8), (corner, top(7) - 8), (corner, cross_y),
                (decoder - wide / 2, cross_y), colour=BLUE, width=2)  # fmt: skip
    sheet.text(encoder + 8, top(7) - 16, "memory", BLUE, 12, "start")
    sheet.text(corner - 8, cross_y + 5, "K, V", BLUE, 12, "end")
    sheet.text(decoder - 12, top(5) + tall + 14, "Q", GREY, 12, "end")
    sheet.arrow((30, 50), (62, 50), colour=GREEN)
    sheet.text(72, 54, "residual connection", GREEN, 13, "start")
    sheet.text(72, 78, "add & norm: LayerNorm(x + f(x))", GREY, 13, "start")
    return sheet.svg()


def masks() -> str:
    """Four tokens, the last one padding: 1 = may attend."""
    tokens, cell, left, top = ["a", "b", "c", "pad"], 36, 70, 74
    sheet = Sheet(800, 250, "A causal mask, a padding mask, and both: 1 = may attend")
    causal = causal_mask(4)
    padding = padding_mask(torch.tensor([[5, 6, 7, 0]]), 0)[0, 0].expand(4, 4)
    for number, (title, mask) in enumerate((("causal", causal), ("padding", padding), ("both", causal & padding))):
        x0 = left + 250 * number
        sheet.text(x0 + 2 * cell, 28, title, INK, 15)
        for j, token in enumerate(tokens):
            sheet.text(x0 + cell * (j + 0.5), top - 10, token, GREY, 12)
            sheet.text(x0 - 10, top + cell * (j + 0.5) + 4, token, GREY, 12, "end")
        for i in range(4):
            for j in range(4):
                fill, colour = (PALE, BLUE) if mask[i, j] else ("white", "#d5dae4")
                sheet.box(x0 + cell * j, top + cell * i, cell - 4, cell - 4, [str(int(mask[i, j]))], colour, fill)
        if number < 2:
            sheet.text(x0 + 4 * cell + 28, top + 2 * cell + 6, "&="[number], AMBER, 20)
    sheet.text(left + 2 * cell, top + 4 * cell + 20, "row: query, column: key", GREY, 12)
    return sheet.svg()


def positions() -> str:
    """80 positions of 24 features: the upper ones change at every step, the lower ones hardly at all."""
    length, d_model, wide, tall, left, top = 80, 24, 8, 16, 90, 40
    sheet = Sheet(left + length * wide + 110, top + d_model * tall + 44, f"Sinusoidal positions, {length} by {d_model}")
    levels = (sinusoidal_positions(length, d_model) * 4).round().int().T.tolist()  # -4 to 4: nine colours
    for level in range(-4, 5):
        ends = (255, 255, 255), (47, 90, 168) if level > 0 else (201, 116, 26)
        red, green, blue = (round(a + (b - a) * abs(level) / 4) for a, b in zip(*ends, strict=True))
        colour = f"#{red:02x}{green:02x}{blue:02x}"
        runs = []
        for feature, row in enumerate(levels):
            t = 0
            for value, run in groupby(row):
                count = len(list(run))
                if value == level:
                    runs.append(f"M{left + wide * t} {top + tall * feature}h{wide * count}v{tall}h-{wide * count}z")
                t += count
        sheet.parts.append(f'<path d="{"".join(runs)}" fill="{colour}"/>')
        y = top + tall * (8 - 2 * level)
        sheet.box(left + length * wide + 30, y, 22, 28, (), "#d5dae4", colour)
        if level % 4 == 0:
            sheet.text(left + length * wide + 62, y + 19, str(level // 4), GREY, 12, "start")
    for t in range(0, length, 10):
        sheet.text(left + wide * (t + 0.5), top - 8, str(t), GREY, 12)
    for feature in range(0, d_model, 4):
        sheet.text(left - 8, top + tall * (feature + 0.5) + 4, str(feature), GREY, 12, "end")
    sheet.text(left + wide * length / 2, 16, "position", INK, 12)
    sheet.text(34, top + tall * d_model / 2, "feature", INK, 12)
    words = "even features: sin, odd features: cos, of position / 10000^(2i/d)"
    sheet.text(left, top + tall * d_model + 26, words, GREY, 12, "start")
    return sheet.svg()


def schedule() -> str:
    """The paper's learning rate: linear growth, then 1/√step."""
    left, ground, wide, high, last, highest = 90, 270, 560, 220, 20_000, 8e-4
    sheet = Sheet(700, 330, "The learning rate: warm-up, then the inverse square root of the step")

    def place(step: float, rate: float) -> Point:
        return left + wide * step / last, ground - high * rate / highest

    for rate in (0, 2e-4, 4e-4, 6e-4, 8e-4):
        sheet.line([place(0, rate), place(last, rate)], "#e3e7ee", 1)
        sheet.text(left - 8, place(0, rate)[1] + 4, f"{rate:.4f}" if rate else "0", GREY, 12, "end")
    for step in range(0, last + 1, 4000):
        sheet.text(place(step, 0)[0], ground + 18, f"{step:,}", GREY, 12)
    for warmup, colour in ((8000, GREY), (4000, BLUE)):
        sheet.line([place(step, warmup_rate(step, 512, warmup)) for step in range(1, last + 1, 100)], colour, 2.5)
        peak = warmup_rate(warmup, 512, warmup)
        x, y = place(warmup, peak)
        sheet.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>')
        sheet.text(x + 10, y - 6, f"warm-up {warmup:,}: {peak:.6f}", colour, 12, "start")
    sheet.text(left + wide / 2, ground + 42, "step", INK, 12)
    sheet.text(left, 24, "learning rate (d = 512)", INK, 12)
    return sheet.svg()


CHANCES = {
    "": {"A": 0.5, "B": 0.4, "C": 0.1},
    "A": {"x": 0.4, "y": 0.35, "z": 0.25},
    "B": {"x": 0.9, "y": 0.05, "z": 0.05},
    "C": {"x": 0.6, "y": 0.3, "z": 0.1},
}


def beam() -> str:
    """Two steps: the likeliest first token leads to the worse text; a beam of two keeps the other one as well."""
    sheet = Sheet(760, 330, "Greedy takes the likeliest token; a beam of width 2 finds the likelier text")
    first = CHANCES[""]
    both = {a + b: p * q for a, p in first.items() for b, q in CHANCES[a].items()}
    kept = sorted(first, key=lambda a: -first[a])[:2]
    candidates = sorted((text for text in both if text[0] in kept), key=lambda text: -both[text])
    greedy = kept[0] + max(CHANCES[kept[0]], key=lambda b: CHANCES[kept[0]][b])
    best = candidates[0]
    sheet.box(30, 160, 70, 34, ["begin"], GREY, "white")
    for row, (token, chance) in enumerate(first.items()):
        y, on = 70 + 107 * row, token in kept
        colour, fill = (BLUE, PALE) if on else (GREY, "white")
        sheet.arrow((100, 177), (258, y), colour=colour if on else "#d5dae4", width=2.5 if on else 1.5)
        sheet.text(180, (177 + y) / 2 + 4, f"{chance:.2f}", INK, 12, more=HALO)
        sheet.box(260, y - 17, 70, 34, [token], colour, fill)
        for line, (following, then) in enumerate(CHANCES[token].items()):
            to_y, text = y + 36 * (line - 1), token + following
            if not on:
                continue
            mark = AMBER if text == best else BLUE if text in candidates[:2] else GREY
            sheet.arrow((330, y), (468, to_y), colour=mark if mark != GREY else "#d5dae4",
                        width=2.5 if mark != GREY else 1.5)  # fmt: skip
            sheet.text(415, to_y + (y - to_y) * 0.36 + 4, f"{then:.2f}", INK, 12, more=HALO)
            fill = {AMBER: WARM, BLUE: PALE}.get(mark, "white")
            sheet.box(470, to_y - 14, 46, 28, [following], mark, fill)
            words = f"{chance:g} × {then:g} = {both[text]:.3f}"
            note = {greedy: " (greedy)", best: " (beam)"}.get(text, "")
            sheet.text(528, to_y + 4.5, words + note, mark if mark != GREY else INK, 13, "start")
    sheet.text(345, 70 + 107 * 2 + 4, "dropped", GREY, 12, "start")
    return sheet.svg()


FIGURES = {
    "way": way,
    "encoder_decoder": encoder_decoder,
    "masks": masks,
    "positions": positions,
    "schedule": schedule,
    "beam": beam,
}


def main() -> int:
    for name, draw in FIGURES.items():
        (HERE / f"{name}.svg").write_text(draw(), encoding="utf-8", newline="\n")
        print(f"figures/{name}.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
