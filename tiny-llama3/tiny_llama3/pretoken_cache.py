"""A memory of pre-tokens: few different ones make most of a text, and a look-up costs far less than merging."""

from collections.abc import Callable
from typing import Any

Ids = tuple[int, ...]


class PretokenCache(dict[str, Ids]):
    """pre-token -> ids, by `merged` where it isn't known yet. Full, it begins anew."""

    ENTRIES, LONGEST = 2**18, 64  # some 70 MB when it is full

    def __init__(self, merged: Callable[[str], Ids]) -> None:
        self._merged = merged

    def __missing__(self, pretoken: str) -> Ids:
        ids = self._merged(pretoken)
        if len(pretoken) <= self.LONGEST:
            if len(self) >= self.ENTRIES:
                self.clear()
            self[pretoken] = ids
        return ids

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process gets it empty."""
        return PretokenCache, (self._merged,)
