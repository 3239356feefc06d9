"""Add inside each document before squaring."""

import math


def clustered_error(scores: list[float], documents: list[str]) -> float:
    n, mean = len(scores), sum(scores) / len(scores)
    sums = dict.fromkeys(documents, 0.0)
    for score, document in zip(scores, documents, strict=True):
        sums[document] += score - mean
    groups = len(sums)
    return math.sqrt(groups / (groups - 1) * sum(value**2 for value in sums.values())) / n
