"""Two ways to find the words, two ways to count them."""

import re
from collections import Counter


def rouge_1(pred: str, answer: str) -> tuple[float, float]:
    ours, theirs = (Counter(re.findall("[a-z0-9]+", text.lower())) for text in (pred, answer))
    google = f((ours & theirs).total(), ours.total(), theirs.total(), 0.0)
    said, wanted = (set(text.replace(".", " ").split()) for text in (pred, answer))
    return google, f(len(said & wanted), len(said), len(wanted), 1e-8)


def f(common: int, predicted: int, expected: int, extra: float) -> float:
    if not common:
        return 0.0
    precision, recall = common / predicted, common / expected
    return 2 * precision * recall / (precision + recall + extra)
