"""Longest common subsequence, 64 table cells to a machine word (Hyyrö 2004, "Bit-parallel LCS-length computation").

The textbook table t[i][j] holds the LCS of a's first i and b's first j items. Down a column it grows by 0 or 1 at each
step, so a column is kept as one integer: bit i is 1 where it does NOT grow. The next column comes from the last by

    grown = column & matches           the bits i where a[i] is the next item of b and the column is flat
    column = (column + grown) | (column - grown)

The addition's carry runs up the flat stretch above each match and finds the one step that moves there. By hand:
a = "abc", b = "ac". Column 111. Item "a" (matches 001): 111 + 001 = 1000, 111 - 001 = 110; or-ed, three bits: 110.
Item "c" (matches 100): 110 + 100 = 1010, 110 - 100 = 010; or-ed: 010. Two zeros: the LCS has two items, a and c.
"""

from collections.abc import Hashable, Sequence


def lcs_length(a: Sequence[Hashable], b: Sequence[Hashable]) -> int:
    """Number of items that `a` and `b` have in common in the same order."""
    everywhere = (1 << len(a)) - 1
    matches = _matches(a)
    column = everywhere
    for item in b:
        if match := matches.get(item):
            grown = column & match
            column = ((column + grown) | (column - grown)) & everywhere
    return len(a) - column.bit_count()


def lcs_positions(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    """One longest common subsequence, as pairs of positions (in a, in b), in order.

    There may be several of the same length. This is the one that is found from the end by: a match is taken where there
    is one; else the last item of `b` is dropped if that is the only way to lose nothing; else the last item of `a`.
    Both ROUGE dialects read it out of their table so (with `a` and `b` in different roles), and scores depend on it.
    """
    everywhere = (1 << len(a)) - 1
    matches = _matches(a)
    column = everywhere
    stops: list[int] = []  # a column of bits for each item of b: where dropping the item of `a` isn't the way
    for item in b:
        match = matches.get(item, 0)
        grown = column & match
        column = ((column + grown) | (column - grown)) & everywhere
        stops.append((column ^ everywhere) | match)

    found: list[tuple[int, int]] = []
    i = len(a)
    for j in reversed(range(len(b))):
        i = (stops[j] & ((1 << i) - 1)).bit_length()  # every item of `a` above the next stop is dropped at once
        if i == 0:
            break
        if a[i - 1] == b[j]:
            i -= 1
            found.append((i, j))
    return found[::-1]


def _matches(a: Sequence[Hashable]) -> dict[Hashable, int]:
    """For each item the bits of its positions in `a`."""
    matches: dict[Hashable, int] = {}
    bit = 1
    for item in a:
        matches[item] = matches.get(item, 0) | bit
        bit <<= 1
    return matches
