"""A solution of exercises/04_chinese_terms.py."""

from itertools import pairwise


def content_pairs(run: str) -> list[str]:
    neighbours = [first + second for first, second in pairwise(run)]
    return [pair for pair in neighbours if not set(pair) & set("的了是在和与之于吗呢")]
