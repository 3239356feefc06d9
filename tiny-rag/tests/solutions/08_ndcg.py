"""A solution of exercises/08_ndcg.py."""

from math import log2


def ndcg(gains: list[float], ideal: list[float], depth: int) -> float:
    def dcg(ranked: list[float]) -> float:
        return sum(gain / log2(rank + 1) for rank, gain in enumerate(ranked[:depth], start=1))

    best = dcg(sorted(ideal, reverse=True))
    return dcg(gains) / best if best else 0.0
