"""An explanation as text and as a page: common tokens green on a terminal, in [brackets] elsewhere.

The two rows of tokens stand one above the other, as an alignment of sequences is usually written: what has no partner
faces a dot. A Chinese character is two columns wide on a terminal.
"""

import html
import unicodedata
from collections.abc import Iterator

from tiny_eval.explain import Explanation

Column = tuple[str, bool, str, bool]  # token of the prediction, marked; token of the reference, marked
WIDTH, LONGEST = 100, 300
GREEN, RED, PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[0m"
GAP = "·"


def columns(found: Explanation) -> Iterator[Column]:
    """The alignment from left to right; an empty token where the other has no partner."""
    i = j = 0
    for end_i, end_j in [*found.aligned, (len(found.tokens_pred), len(found.tokens_ref))]:
        for token, marked in found.tokens_pred[i:end_i]:
            yield token, marked, "", False
        for token, marked in found.tokens_ref[j:end_j]:
            yield "", False, token, marked
        if end_i < len(found.tokens_pred) and end_j < len(found.tokens_ref):
            yield *found.tokens_pred[end_i], *found.tokens_ref[end_j]
        i, j = end_i + 1, end_j + 1


def as_text(found: Explanation, colour: bool) -> str:
    lines = [f"row {found.id} ({found.place}), {found.metric}: {headline(found)}"]
    if found.scored_text != found.pred:
        how = f"found by {found.fired}" if found.fired else "cut"
        lines.append(f"scored text ({how}): {_short(found.scored_text)}")
    lines += [
        f"{'→' if number == found.won else ' '} reference {number + 1}: {points:6.2f}  {_short(answer)}"
        for number, (answer, points) in enumerate(found.references)
    ]
    lines += ["", *_aligned(list(columns(found)), colour), ""]
    lines.append(
        f"{found.common} of {len(found.tokens_pred)} tokens of the prediction and "
        f"{sum(marked for _, marked in found.tokens_ref)} of {len(found.tokens_ref)} of the reference are in common"
    )
    if found.overlap:
        lines.append("precision {:.4f}   recall {:.4f}   F {:.4f}".format(*found.overlap))
    if found.dialects:
        lines.append(f"\n{'':18}precision   recall        F")
        lines += [f"{name:16}{o.precision:11.4f}{o.recall:9.4f}{o.f:9.4f}" for name, o in found.dialects.items()]
    return "\n".join(lines)


def headline(found: Explanation) -> str:
    return f"not measured ({found.reason})" if found.score is None else f"{found.score:.2f} of 100"


def _aligned(pairs: list[Column], colour: bool) -> Iterator[str]:
    above, below, used = "", "", 0
    for token, marked, other, other_marked in pairs[:LONGEST]:
        one, two = _cell(token, marked, colour), _cell(other, other_marked, colour)
        width = max(cells(one), cells(two)) + 1
        if used and used + width > WIDTH:
            yield from (f"prediction  {above.rstrip()}", f"reference   {below.rstrip()}", "")
            above, below, used = "", "", 0
        above += _paint(one, token, marked, colour) + " " * (width - cells(one))
        below += _paint(two, other, other_marked, colour) + " " * (width - cells(two))
        used += width
    yield from (f"prediction  {above.rstrip()}", f"reference   {below.rstrip()}")
    if len(pairs) > LONGEST:
        yield f"… and {len(pairs) - LONGEST:,} columns more; --html FILE writes them all"


def _cell(token: str, marked: bool, colour: bool) -> str:
    token = "".join(c if c.isprintable() else "�" for c in token)  # an escape sequence in a prediction stays a text
    return f"[{token}]" if marked and not colour else token or GAP


def _paint(cell: str, token: str, marked: bool, colour: bool) -> str:
    return f"{GREEN if marked else RED}{cell}{PLAIN}" if colour and token else cell


def cells(text: str) -> int:
    """Columns of a terminal that `text` fills."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _short(text: str, limit: int = 80) -> str:
    text = " ".join("".join(c if c.isprintable() or c.isspace() else "�" for c in text).split()) or "(empty)"
    return text if len(text) <= limit else text[: limit - 1] + "…"


PAGE = """<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }}
.pair {{ display: inline-block; margin: .2rem .1rem; text-align: center; vertical-align: top; }}
.pair span {{ display: block; padding: 0 .25rem; min-height: 1.5em; white-space: pre; }}
.yes {{ background: #c9efd0; }} .no {{ background: #f8d5d5; }}
table {{ border-collapse: collapse; }} td, th {{ padding: .1rem .8rem; text-align: right; }}
td:first-child {{ text-align: left; }} .won {{ font-weight: bold; }}
</style>
<h1>{title}</h1>
<p>Score: <b>{headline}</b>. Above the prediction, below the reference; green counts as common.</p>
<p>{pairs}</p>
<table><tr><th>reference<th>score</tr>{references}</table>
<table><tr><th>counted as<th>precision<th>recall<th>F</tr>{overlaps}</table>
</html>
"""


def as_page(found: Explanation) -> str:
    """One HTML page that needs nothing else."""

    def span(token: str, marked: bool) -> str:
        return f'<span class="{"yes" if marked else "no"}">{html.escape(token)}</span>' if token else "<span></span>"

    overlaps = ({found.metric: found.overlap} if found.overlap else {}) | found.dialects
    return PAGE.format(
        title=html.escape(f"{found.metric}, row {found.id}"),
        headline=html.escape(headline(found)),
        pairs="\n".join(f'<span class="pair">{span(a, x)}{span(b, y)}</span>' for a, x, b, y in columns(found)),
        references="".join(
            f"<tr{' class=won' if i == found.won else ''}><td>{html.escape(answer)}<td>{points:.2f}</tr>"
            for i, (answer, points) in enumerate(found.references)
        ),
        overlaps="".join(
            f"<tr><td>{html.escape(name)}<td>{o.precision:.4f}<td>{o.recall:.4f}<td>{o.f:.4f}</tr>"
            for name, o in overlaps.items()
        ),
    )
