"""Chapter 2: join a pair, and encode with nothing else.

`merge` puts `new` where the pair stands, from left to right. What was joined is gone, so joins don't overlap:

    merge([7, 7, 7], (7, 7), 256) = [256, 7]        merge([1, 2, 1, 2], (1, 2), 256) = [256, 256]

`encode` starts with the ids of the bytes of one pre-token. `rank_of` has the rank of each merge, in the order in which
they were learned; the merge of rank r makes token 256 + r. Join the pair of the lowest rank, look again, and so on
until no pair has a rank. With the merges (1, 2): 0, (3, 4): 1, (2, 3): 2, (256, 257): 3:

    [1, 2, 3, 4] → [256, 3, 4] → [256, 257] → [259]

(2, 3) has a rank, too, but its turn comes after the others', and by then it is gone.

`merge` 从左到右把一对 id 换成新的 id，互不重叠。`encode` 每次都合并排名最小的那一对，直到没有可以合并的为止；
排名为 r 的合并产生 256 + r。
"""


def merge(ids: list[int], pair: tuple[int, int], new: int) -> list[int]:
    """The ids with `new` in place of the pair, wherever it stands."""
    raise NotImplementedError("your turn")


def encode(ids: list[int], rank_of: dict[tuple[int, int], int]) -> list[int]:
    """The tokens of one pre-token. `ids`: one for each byte, 0 to 255."""
    raise NotImplementedError("your turn")
