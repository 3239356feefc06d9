"""Chapter 5: say who may look at whom.

`documents` numbers the documents that were packed into a row from 1 on; 0 is padding. A position may look at itself and
at earlier positions of its own document, at most `window` positions in all (None: any number). Padding looks at itself
only. With [0, 1, 1, 1, 2] and window 2:

    0: itself      1: 1      2: 1, 2      3: 2, 3 (not 1: that would be three)      4: 4 (another document)

每个位置只能看自己和同一文档中更早的位置，最多看 window 个（含自己）；填充（0）只看自己。
"""


def may_look(documents: list[int], window: int | None) -> list[list[int]]:
    """For every position, the positions that it may look at, in ascending order."""
    raise NotImplementedError("your turn")
