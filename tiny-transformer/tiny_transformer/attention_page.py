"""All attention of one translation as one HTML page that needs nothing else: hover a head to see its weights.

The page itself, with its script, is the file beside this one; here the tokens and weights are put into it.

Shapes: L layers, H heads, T target positions, S source positions.
"""

import json
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np

from tiny_transformer.pictures import checked, visible

TEMPLATE = Path(__file__).with_suffix(".html")


def attention_page(
    source: Sequence[str],
    target: Sequence[str],
    encoder_LHSS: np.ndarray,
    decoder_LHTT: np.ndarray,
    cross_LHTS: np.ndarray,
    title: str,
    predicted: Sequence[str] | None = None,
) -> str:
    """The page. `target` is what the decoder read (it starts with <bos>), `predicted` what it wrote at each position.

    With `predicted`, the rows of the decoder's pictures are named after what was written there, so that a written
    token stands in the row that decided on it. The page opens at the head that its address asks for: `#cross-1-3` is
    the third head of the first decoder layer's view of the source, `#cross-1-3-2-5` its second row and fifth column.
    Raises ValueError where tokens and weights don't fit.
    """
    if predicted is not None and len(predicted) != len(target):
        raise ValueError(f"predicted must name all {len(target)} target positions (got {len(predicted)})")
    written = target if predicted is None else predicted
    kinds = [
        {"name": name, "rows": [visible(token) for token in rows], "columns": [visible(token) for token in columns],
         "weights": np.rint(checked(weights, rows, columns) * 1000).astype(int).tolist()}
        for name, weights, rows, columns in (
            ("encoder", encoder_LHSS, source, source),
            ("decoder", decoder_LHTT, written, target),
            ("cross", cross_LHTS, written, source),
        )
    ]  # fmt: skip
    # tokens are anybody's text: no "<" in the data means that nothing in it can end the script element
    data = json.dumps(kinds, separators=(",", ":")).replace("<", "\\u003c")
    parts = {"TITLE": escape(title), "DATA": data}
    # one pass: a title that contains {{DATA}} is a title
    return re.sub(r"\{\{(TITLE|DATA)\}\}", lambda found: parts[found[1]], TEMPLATE.read_text(encoding="utf-8"))
