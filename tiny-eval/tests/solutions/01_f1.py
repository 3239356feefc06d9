"""Counter's & takes the smaller count of each word."""

from collections import Counter


def f1(predicted: list[str], expected: list[str]) -> float:
    common = (Counter(predicted) & Counter(expected)).total()
    if not common:
        return 0.0
    precision, recall = common / len(predicted), common / len(expected)
    return 2 * precision * recall / (precision + recall)
