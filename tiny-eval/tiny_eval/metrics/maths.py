r"""Are two results equal? Numbers exactly (after GSM8K, arXiv:2110.14168), LaTeX by canonical form (MATH, 2103.03874).

`numeric_equal` is for word problems: both texts are read as an exact fraction.

    "$1,234.00" = "1234" = "1.234 thousand"    "3/4" = "0.75" = "\frac{3}{4}"    "1 1/2" = "1.5"
    "18 eggs" = "18"         units are dropped, not converted: "1 km" equals "1 m", and isn't "1000 m"
    "50%" = "50" ≠ "0.5"     so is the percent sign, as in GSM8K's references and MATH's rules
    "0.33" ≠ "1/3"           no tolerance: a rounded result is another number

`latex_equal` compares the canonical forms of latex.py: \dfrac12\sqrt{3} = \frac{\sqrt 3}{2}.

Terms, factors, and the elements of sets and of lists ("1, 2") have no order; tuples, intervals and relations have one.
"x = 5" is 5. A sum, root or power isn't worked out: 2 + 3 isn't 5, nor √4 2, since finishing the calculation was the
task. Nothing is expanded, and no root moved out of a denominator. What can't be parsed (matrices, sentences) is
compared as text without blanks.
"""

import re
from collections.abc import Sequence
from fractions import Fraction

from tiny_eval.extraction import extract
from tiny_eval.metrics.latex import LARGEST_POWER, Node, canonical
from tiny_eval.metrics.latex_tokens import WIDTHS

_LONGEST = 400  # characters of a number: no result has more, and Python refuses to read thousands of digits
_SCALE = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12, "万": 4, "亿": 8}
_DECIMAL = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d*)?|\d+(?:\.\d*)?|\.\d+)"
_NUMBER = re.compile(
    r"(?P<sign>[+-]?)(?:(?P<whole>\d+)(?:\s+|\s*(?=\\)))?"
    rf"(?:\\[dt]?frac\s*(?:\{{(?P<top>-?{_DECIMAL})\}}\s*\{{(?P<bottom>{_DECIMAL})\}}|(?P<t>\d)\s*(?P<b>\d))"
    rf"|(?P<over>{_DECIMAL})\s*/\s*(?P<under>{_DECIMAL})"
    rf"|(?P<decimal>{_DECIMAL})(?:\s*(?:[x×*]|\\times|\\cdot)\s*10\^\{{?(?P<power>[+-]?\d+)\}}?|e(?P<exp>[+-]?\d+))?)"
    rf"(?:\s*(?P<scale>{'|'.join(_SCALE)})(?![a-z]))?(?P<unit>.*)",
    re.DOTALL | re.IGNORECASE,
)
# Words, degrees, "cm^2", "km/h"; nothing that would still have to be calculated. In LaTeX, 3x is no 3 with a unit x.
_MARKED_UNIT = (
    r"\s|\\?%|°|\^?\{?\\circ\}?|\\(?:text|mbox)\s*\{[^{}]*\}(?:\^\{?[23]\}?)?"
    r"|\\mathrm\s*\{[~\\]*\s*[a-z]{2,}\s*\}(?:\^\{?[23]\}?)?|[.]\Z"
)
_WORD_UNIT = r"[^\W\d_](?:\^\{?[23]\}?)?|[²³.,;'’]|(?<=[^\W\d_])[/-](?=[^\W\d_])"
_UNIT = re.compile(rf"(?:{_MARKED_UNIT}|{_WORD_UNIT})*", re.IGNORECASE)
_LATEX_UNIT = re.compile(rf"(?:{_MARKED_UNIT}|(?<=\s)[a-z]{{2,}}(?:\s[a-z]+)*)*", re.IGNORECASE)


def number(text: str, unit: re.Pattern[str] = _UNIT) -> Fraction | None:
    """The number that `text` is, its unit left out; None if it's something else, or several numbers."""
    if len(text) > _LONGEST:
        return None
    text = (
        re.sub(r"\\[,!;: ()\[\]]|\\left|\\right|\*\*|`", "", text.translate(WIDTHS)).replace("{,}", ",").strip("$ \n")
    )
    text = re.sub(r"\A[A-Za-z]\w?\s*(?:=|≈|\\approx)\s*", "", text)
    text = re.sub(r"\A([+-]?)\s*(?:US)?(?:\\?\$|[£€¥￥])\s*", r"\1", text)
    match = _NUMBER.fullmatch(text)
    if not match or not unit.fullmatch(match["unit"]):
        return None
    over, under = match["top"] or match["t"] or match["over"], match["bottom"] or match["b"] or match["under"]
    if over is None:
        power = int(match["power"] or match["exp"] or 0)
        if match["whole"] or abs(power) > LARGEST_POWER:
            return None  # "3 4" is two numbers
        value = _decimal(match["decimal"]) * Fraction(10) ** power
    else:
        if _decimal(under) == 0:
            return None
        value = _decimal(over) / _decimal(under)
        if match["whole"] and not 0 < value < 1:
            return None
        value += int(match["whole"] or 0)  # 1 1/2
    value *= 10 ** _SCALE.get((match["scale"] or "").lower(), 0)
    return -value if match["sign"] == "-" else value


def _decimal(digits: str) -> Fraction:
    return Fraction(digits.replace(",", "").removesuffix("."))


def numeric_equal(pred: str, answers: Sequence[str]) -> float:
    """1.0 if `pred` is, or concludes with, the number of an answer, else 0.0."""
    keys = [number(answer) for answer in _given(answers)]
    if None in keys:
        raise ValueError(f"the answer {answers[keys.index(None)]!r} is no number; compare with latex_equal instead")
    value = number(pred)
    if value is None and (found := extract(pred, "maths")):
        value = number(found.value)
        if value is None and (last := extract(found.value, "last_number")):  # "about 18 eggs"
            value = number(last.value)
    return float(value is not None and value in keys)


def latex_equal(pred: str, answers: Sequence[str]) -> float:
    """1.0 if `pred` is, or concludes with, an answer in the same canonical form, else 0.0."""
    keys = [form(answer) for answer in _given(answers)]
    if form(pred) in keys:
        return 1.0
    found = extract(pred, "latex")
    return float(found is not None and form(found.value) in keys)


def _given(answers: Sequence[str]) -> Sequence[str]:
    if not answers:
        raise ValueError("a maths question needs at least one reference (answers is empty)")
    return answers


def form(text: str) -> Node:
    """What equal results share: the number, units left out, or the canonical form."""
    value = number(text, _LATEX_UNIT)
    return canonical(text) if value is None else value
