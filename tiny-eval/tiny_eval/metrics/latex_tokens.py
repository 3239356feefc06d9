r"""Splitting a LaTeX result into tokens, its spellings made equal (rules after MATH, arXiv:2103.03874).

    split(r"$x = \left(\dfrac{1}{2}\right)\text{ cm}$")  →  ["(", "\\frac", "{", "1", "}", "{", "2", "}", ")"]

Gone are dollar signs, blanks, \left, the final full stop, degree and percent signs, a unit at the end, "x =" in front.
"""

import re

WIDTHS = str.maketrans("０１２３４５６７８９．，－−–％／＋（）", "0123456789.,---%/+()")
_UNIT = r"\\(?:text|mbox)\s*\{[^{}]*\}|\\mathrm\s*\{\s*[A-Za-z]{2,}\s*\}"
_TIDY = (
    (r"(?<!\\)\\[,!;: ()\[\]]|[$~`]|\\?%|\^\s*\{?\\circ\}?|\\degrees?(?![a-z])|°", " "),
    (r"\{,\}", ","),
    (rf"(?:(?<=[\d}})\]])|(?<=\\pi))\s*(?:{_UNIT})(?:\^\{{?[23]\}}?)?[\s.]*\Z", ""),
    (r"\\(?:text|mbox|mathrm|mathbf|mathit|textbf|textit|operatorname)\s*\{([^{}]*)\}", r" \1 "),
    (r"\b(?:and|or)\b|[，、;；]|或", " , "),
    (r"\A\s*[A-Za-z]\w?\s*(?:=|\\in(?![a-z]))(?=[^=,]*\Z|\s*[(\[\\{])(?!.*=)", ""),  # x = 5, x ∈ (1, 2)
    (r"[\s.]*\Z", ""),
)
_TOKEN = re.compile(r"\\[A-Za-z]+|\\[{}]|\d+(?:\.\d+)?|\.\d+|(?<![A-Za-z])pi(?![A-Za-z])|[A-Za-z]{3,}|\S")
_SYNONYMS = {
    **dict.fromkeys(r"\left \right \displaystyle \limits \quad \qquad".split(), ""),
    **dict.fromkeys(r"\dfrac \tfrac \cfrac".split(), r"\frac"),
    **dict.fromkeys(r"\leq \leqslant ≤".split(), r"\le"),
    **dict.fromkeys(r"\geq \geqslant ≥".split(), r"\ge"),
    **dict.fromkeys(r"\neq ≠".split(), r"\ne"),
    **dict.fromkeys(r"\cdot \times \ast × ·".split(), "*"),
    **dict.fromkeys(r"\div ÷".split(), "/"),
    **dict.fromkeys(r"\vert \lvert \rvert".split(), "|"),
    **dict.fromkeys(r"\varnothing ∅".split(), r"\emptyset"),
    **dict.fromkeys("∞ infty infinity".split(), r"\infty"),
    **dict.fromkeys("π pi".split(), r"\pi"),
    **dict.fromkeys("√ sqrt".split(), r"\sqrt"),
    "±": r"\pm",
    "∪": r"\cup",
    "∩": r"\cap",
    "∈": r"\in",
}


def split(text: str) -> list[str]:
    """The tokens of `text`: commands, numbers, words of three letters and more, single letters and signs."""
    text = text.translate(WIDTHS)
    for pattern, replacement in _TIDY:
        text = re.sub(pattern, replacement, text)
    tokens = (_SYNONYMS.get(token, token) for token in _TOKEN.findall(text))
    return [token for token in tokens if token]
