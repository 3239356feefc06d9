"""Code similarity as LongBench scores the next line of a program (arXiv:2308.14508), in steps of one percent.

    similarity = 1 - edits / (length of both)      edits: characters to delete and insert to turn one into the other
               = 2 · LCS / (length of both)        the same, since what isn't in common is deleted or inserted

rounded to a percent as rapidfuzz's `ratio` comes out of it; half a percent goes to the even one. By hand: "x = 1"
against "x = 10": 1 insertion, 11 characters: 1 - 1/11 = 0.909, scored 0.91.

Only one line of the prediction counts: the first without `, # and //, that is without a fence or a comment, even one
behind code. Empty lines at the start are skipped. Without such a line it's the empty text.
"""

from .lcs import lcs_length
from .overlap import best


def code_sim(pred: str, answers: list[str]) -> float:
    """Similarity of the prediction's first line of code to the most similar reference, 0 to 1."""
    line = code_line(pred)
    return best(answers, lambda answer: round(100 * similarity(line, answer)) / 100)


def code_line(text: str) -> str:
    """The line that is scored."""
    lines = text.lstrip("\n").split("\n")
    return next((line for line in lines if not any(mark in line for mark in ("`", "#", "//"))), "")


def similarity(a: str, b: str) -> float:
    """1 for equal texts, two empty ones included; 0 for texts without a common character."""
    length = len(a) + len(b)
    edits = length - 2 * lcs_length(a, b)
    return 1 - edits / length if length else 1.0  # in this order: 2 · LCS / length rounds otherwise at half a percent
