"""Accuracy on choice questions: the option's letter, compared (MMLU, Hendrycks et al. 2020, arXiv:2009.03300).

The letter is read by the chain "choice" of tiny_eval.extraction, so whole outputs may be given as well as "B":

    choice("Paris is the capital, so the answer is (B).", ["B"])  →  1.0
    choice("The answer is B or C.", ["B"])                        →  0.0    no answer at all
    choice("AC", ["AC"]) = choice("C, A", ["AC"])                 →  1.0    every letter, in any order
    choice("A", ["AC"])                                           →  0.0    half right is wrong here; see gaokao.py

Of several answers, one has to be met. Where four options are offered, guessing scores 0.25 on average.
"""

import re
from collections.abc import Sequence

from tiny_eval.extraction import extract

LETTERS = "ABCDEFGH"
_FULL_WIDTH = {ord("Ａ") + i: letter for i, letter in enumerate(LETTERS)}


def letters(text: str, chain: str = "choice") -> frozenset[str]:
    """The option letters that `text` answers with; empty if it answers with none."""
    found = extract(text, chain)
    return _letters_in(found.value) if found else frozenset()


def key(answers: Sequence[str]) -> list[frozenset[str]]:
    """The letters of each answer: "B", "(B)", "B. Paris", "AC", "A、C"."""
    keys = [letters(answer) for answer in answers]
    if not keys or not all(keys):
        raise ValueError(f"answers to a choice question must hold option letters A to H (got {list(answers)!r})")
    return keys


def choice(pred: str, answers: Sequence[str]) -> float:
    """1.0 if `pred` names exactly the letters of an answer, else 0.0."""
    return float(letters(pred) in key(answers))


def _letters_in(value: str) -> frozenset[str]:
    listed = value.replace("and", " ")  # "A and C" holds two letters, not five
    return frozenset(re.findall("[A-H]", listed.translate(_FULL_WIDTH).upper()))
