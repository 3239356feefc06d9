"""The largest score is subtracted: its share becomes exp(0), and nothing overflows."""

import math


def attention(query: list[float], keys: list[list[float]], values: list[list[float]]) -> list[float]:
    scores = [sum(q * k for q, k in zip(query, key, strict=True)) / math.sqrt(len(query)) for key in keys]
    parts = [math.exp(score - max(scores)) for score in scores]
    shares = [part / sum(parts) for part in parts]
    return [
        sum(share * number for share, number in zip(shares, column, strict=True))
        for column in zip(*values, strict=True)
    ]
