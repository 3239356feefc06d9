"""Where every head looks, and how a training went, as PNG files drawn by matplotlib.

Shapes: L layers, H heads, T target positions, S source positions.
"""

import math
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIGNS = {"<bos>": "▶", "<eos>": "■", "<pad>": "□", "<unk>": "�", " ": "␣", "\n": "⏎", "\t": "⇥", "": "∅"}
LEGEND = {"▶": "begin", "■": "end", "□": "padding", "�": "unknown", "␣": "space"}
LATIN_FONT = "DejaVu Sans Mono"  # comes with matplotlib
CJK_FONTS = (
    "Noto Sans Mono CJK SC", "Noto Sans Mono CJK JP", "Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC",
    "Source Han Sans CN", "WenQuanYi Zen Hei Mono", "WenQuanYi Micro Hei Mono", "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei", "PingFang SC", "Hiragino Sans GB", "Heiti SC", "STHeiti", "Microsoft YaHei", "SimHei",
    "SimSun", "Arial Unicode MS", "Noto Serif CJK SC",
)  # fmt: skip
CELL, FONT_POINTS, CHARACTER, DPI = 0.17, 7.5, 0.067, 120  # inches a cell, the font, inches a character, dots an inch
WIDEST = 16.0  # inches: a layer's heads go on in the next row when they would be wider
LOSSES, SCORES = ("train_loss", "validation_loss"), ("bleu", "exact_match")
LONGEST_LABEL = 14  # columns
MOST_DOTS, MOST_DOTS_A_SIDE = 40_000_000, 60_000  # a picture of long texts gets coarser instead of filling the memory


def visible(token: str) -> str:
    """The token with a sign for what can't be seen: ▶ for <bos>, ␣ for a space, U+200B for a character of no width."""
    if token in SIGNS:
        return SIGNS[token]
    label = "".join(
        SIGNS.get(character) or (code(character) if unicodedata.category(character)[0] in "CZ" else character)
        for character in token
    )
    return "◌" + label if unicodedata.combining(label[0]) else label


def code(character: str) -> str:
    return f"U+{ord(character):04X}"


def columns(text: str) -> int:
    """Width in a monospaced font, where Chinese characters are two columns wide."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def shortened(text: str, limit: int) -> str:
    if columns(text) <= limit:
        return text
    while columns(text) > limit - 1:
        text = text[:-1]
    return text + "…"


def fonts_for(text: str) -> tuple[list[str], set[str]]:
    """Installed fonts that together draw the text, and the characters that none of them has."""
    from matplotlib import font_manager

    families, missing = [LATIN_FONT], undrawable(LATIN_FONT, set(text))
    known = {font.name: font.fname for font in font_manager.fontManager.ttflist}
    if missing and not known.keys() & set(CJK_FONTS):
        # matplotlib remembers the fonts of its first run; look whether one was installed since
        for path in set(font_manager.findSystemFonts()) - set(known.values()):
            with suppress(Exception):  # a font file that can't be read is one font less
                font_manager.fontManager.addfont(path)
        known = {font.name: font.fname for font in font_manager.fontManager.ttflist}
    for family in CJK_FONTS:
        if family in known and (rest := undrawable(family, missing)) != missing:
            families.append(family)
            missing = rest
    return families, missing


def undrawable(family: str, characters: set[str]) -> set[str]:
    from matplotlib import font_manager

    font = font_manager.get_font(font_manager.findfont(font_manager.FontProperties(family=family)))
    return {character for character in characters if not font.get_char_index(ord(character))}


def checked(weights_LHTS: np.ndarray, target: Sequence[str], source: Sequence[str]) -> np.ndarray:
    """The weights as an array (L, H, T, S), with a number from 0 to 1 for every pair of tokens."""
    weights_LHTS = np.asarray(weights_LHTS)
    if weights_LHTS.ndim != 4 or weights_LHTS.shape[2:] != (len(target), len(source)) or not weights_LHTS.size:
        raise ValueError(
            f"weights must be (layers, heads, {len(target)}, {len(source)}) for these tokens, each 1 or more "
            f"(got {weights_LHTS.shape})"
        )
    if not (np.isfinite(weights_LHTS).all() and weights_LHTS.min() >= 0 and weights_LHTS.max() <= 1.001):
        raise ValueError("attention weights must be numbers from 0 to 1; pass what softmax returned")
    return weights_LHTS


def attention_png(source: Sequence[str], target: Sequence[str], weights_LHTS: np.ndarray, title: str = "") -> bytes:
    """Small multiples: one panel for each head, a row for each target token, a column for each source token.

    All panels share one scale, from white (0) to dark blue (1). Raises ValueError where the tokens don't fit the
    weights.
    """
    weights_LHTS = checked(weights_LHTS, target, source)
    layers, heads = weights_LHTS.shape[:2]
    below, beside = [visible(token) for token in source], [visible(token) for token in target]
    signs = " ".join(f"{sign} {words}" for sign, words in LEGEND.items() if any(sign in x for x in below + beside))
    families, missing = fonts_for("".join([*below, *beside, title, signs]))
    below, beside, [title] = (
        [shortened("".join(code(c) if c in missing else c for c in label), limit) for label in labels]
        for labels, limit in ((below, LONGEST_LABEL), (beside, LONGEST_LABEL), ([title], 200))
    )
    upright = max(map(columns, below)) <= 2  # so wide is a cell; longer words are turned

    # everything in inches, counted from the upper left corner
    wide, high = len(source) * CELL, len(target) * CELL
    left = max(map(columns, beside)) * CHARACTER + 0.15
    under = 0.2 if upright else max(map(columns, below)) * CHARACTER + 0.1
    step_x, step_y = max(wide, 1.2) + 0.15, high + under + 0.35  # a panel's own title needs 1.2
    across = min(heads, max(1, int((WIDEST - left) // step_x)))
    down = -(-heads // across)  # rows of panels for one layer
    across = -(-heads // down)  # as even as it goes
    top = 0.62
    width = max(left + across * step_x, columns(title) * CHARACTER * 1.4 + 0.3, 4.5)
    height = top + layers * down * step_y
    figure = new_figure(width, height)
    for x, y, size, words in ((0.15, 0.27, 1.4, title), (0.15, 0.5, 1, "weight 0"), (1.81, 0.5, 1, "1"),
                              (2.05, 0.5, 1, signs)):  # fmt: skip
        figure.text(x / width, 1 - y / height, words, fontsize=FONT_POINTS * size, family=families, parse_math=False)
    scale = figure.add_axes((0.73 / width, 1 - 0.5 / height, 1.0 / width, 0.09 / height))
    scale.imshow([np.linspace(0, 1, 100)], cmap="Blues", aspect="auto")
    scale.set(xticks=[], yticks=[])
    for layer in range(layers):
        for head in range(heads):
            row, column = layer * down + head // across, head % across
            x, y = left + column * step_x, top + row * step_y + 0.25
            axes = figure.add_axes((x / width, 1 - (y + high) / height, wide / width, high / height))
            axes.imshow(weights_LHTS[layer, head], cmap="Blues", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
            axes.set_title(
                f"layer {layer + 1}, head {head + 1}", fontsize=FONT_POINTS, pad=3, loc="left", family=families
            )
            axes.set_xticks(range(len(below)), below)
            axes.set_yticks(range(len(beside)), beside if column == 0 else [""] * len(beside))
            axes.tick_params(length=0, pad=2, labelsize=FONT_POINTS, labelfontfamily=families)
            axes.tick_params("x", **({"pad": FONT_POINTS + 2} if upright else {"rotation": 90}))
            for label in axes.get_xticklabels() if upright else ():
                label.set_verticalalignment("baseline")  # or each letter hangs from its own upper edge
            for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
                label.set_parse_math(False)  # two dollars around a token are no formula
            axes.spines[:].set_color("0.75")
    return png(figure)


def loss_png(log_rows: Sequence[Mapping[str, float]]) -> bytes:
    """Losses by step and, on a second panel, the scores; each row has a "step" and whichever of the others it knows."""
    panels = [
        (title, [name for name in names if any(name in row for row in log_rows)])
        for title, names in (("nats a token", LOSSES), ("score", SCORES))
    ]
    panels = [(title, names) for title, names in panels if names]
    if not panels:
        raise ValueError(f"no row of the log has one of {', '.join((*LOSSES, *SCORES))}; nothing to draw")
    figure = new_figure(5.5 * len(panels), 4.0)
    figure.set_layout_engine("constrained")
    for axes, (title, names) in zip(np.atleast_1d(figure.subplots(1, len(panels))), panels, strict=True):
        for name in names:
            points = sorted((row["step"], row[name]) for row in log_rows if name in row)
            steps, values = zip(*points, strict=True)
            marker = "o" if len(points) < 60 else ""
            axes.plot(steps, values, marker=marker, markersize=3, label=name.replace("_", " "))
        axes.set(xlabel="step", title=title)
        axes.grid(color="0.9")
        axes.legend(frameon=False)
    return png(figure)


def new_figure(width: float, height: float) -> "Figure":
    """Not pyplot's: that one keeps every figure alive, and asks for a screen on some machines."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    dots = min(DPI, math.sqrt(MOST_DOTS / (width * height)), MOST_DOTS_A_SIDE / max(width, height))
    figure = Figure(figsize=(width, height), dpi=dots)
    FigureCanvasAgg(figure)
    return figure


def png(figure: "Figure") -> bytes:
    out = BytesIO()
    figure.savefig(out, format="png", dpi=figure.dpi)
    return out.getvalue()
