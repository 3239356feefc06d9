"""Chapter 2: on which page is a character?

A document's spans are sorted, don't overlap and cover its text: [(0, 18), (18, 43), (43, 63)] are three pages.
Return the index of the span in which `offset` lies; spans are half open, so offset 18 lies in span 1.
A text may have a million spans, and it is asked a thousand times: halve the range in each step, or let `bisect` do it.

找出 `offset` 所在区间的下标。区间左闭右开、有序、首尾相接；可能有一百万个，所以要用二分查找。
"""


def page_of(spans: list[tuple[int, int]], offset: int) -> int:
    raise NotImplementedError("your turn")
