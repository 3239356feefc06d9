"""A solution of exercises/01_page_of.py."""

from bisect import bisect_right


def page_of(spans: list[tuple[int, int]], offset: int) -> int:
    return bisect_right(spans, offset, key=lambda span: span[0]) - 1
