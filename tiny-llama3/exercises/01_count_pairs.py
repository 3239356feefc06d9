"""Chapter 2: count the pairs, the first half of a step of byte-pair encoding.

`count_of` says how often each pre-token occurs in the text; a pre-token is a tuple of ids. Return how often each pair
of neighbours occurs. With the ids t = 1, h = 2, e = 3, n = 4, for 5 times "the", 3 times "then" and 2 times "hen":

    count_of = {(1, 2, 3): 5, (1, 2, 3, 4): 3, (2, 3, 4): 2}
    t h: 5 + 3 = 8        h e: 5 + 3 + 2 = 10        e n: 3 + 2 = 5

The answer is {(1, 2): 8, (2, 3): 10, (3, 4): 5}, and "he" would be the first merge. A pair that stands twice in a
pre-token counts twice: "eee" has two "ee". No pair reaches from one pre-token into the next.

数一数相邻的两个 id 一共出现几次：每种预分词只看一遍，乘上它在文本里的次数。
同一个预分词里出现两次就算两次；不跨预分词。
"""


def count_pairs(count_of: dict[tuple[int, ...], int]) -> dict[tuple[int, int], int]:
    """How often each pair of neighbours occurs in the text; pairs that don't occur are left out."""
    raise NotImplementedError("your turn")
