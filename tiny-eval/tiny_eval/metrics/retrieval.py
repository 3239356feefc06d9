"""Retrieval and counting as LongBench scores them (arXiv:2308.14508): the share of the numbers said that are right.

    score = numbers in the prediction that equal the right one / numbers in the prediction;  0 without a number

By hand: "Paragraph 7, or perhaps 12 or 7" against "Paragraph 7": two of three, 0.667. Numbers are compared as they
are written ("07" isn't "7", "1,000" is two numbers), so whoever explains with figures loses points.
"""

import re
from collections.abc import Sequence

from .overlap import best

_NUMBER = re.compile(r"\d+")


def retrieval(pred: str, answers: list[str]) -> float:
    """Which paragraph? The reference says "Paragraph N"."""
    return _share(pred, [_place(answer, "Paragraph ") for answer in answers])


def retrieval_zh(pred: str, answers: list[str]) -> float:
    """Which paragraph? The reference says 段落N."""
    return _share(pred, [_place(answer, "段落") for answer in answers])


def count(pred: str, answers: list[str]) -> float:
    """How many? The reference is the number itself."""
    return _share(pred, answers)


def _share(pred: str, answers: Sequence[str]) -> float:
    numbers = _NUMBER.findall(pred)
    return best(answers, lambda answer: numbers.count(str(answer)) / len(numbers) if numbers else 0.0)


def _place(answer: str, label: str) -> str:
    found = re.search(rf"{label}(\d+)", answer)
    if found is None:
        raise ValueError(f"the reference {answer!r} doesn't say {label + 'N'!r}; is this the metric of this file?")
    return found[1]
