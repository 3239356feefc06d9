"""A solution of exercises/03_bm25.py."""

from math import log


def score(texts: list[list[str]], query: list[str], number: int) -> float:
    mean = sum(map(len, texts)) / len(texts)
    room = 1.5 * (0.25 + 0.75 * len(texts[number]) / mean)
    total = 0.0
    for term in query:
        n = sum(term in text for text in texts)
        count = texts[number].count(term)
        total += log(1 + (len(texts) - n + 0.5) / (n + 0.5)) * count / (count + room)
    return total
