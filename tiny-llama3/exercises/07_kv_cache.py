"""Chapter 8: attention that remembers: piece by piece must equal all at once.

`attend` gets the queries, keys and values of T new positions only; those before them are in the cache. Add the new keys
and values to it, then let each new position look at all that the cache held before and at the new ones up to itself:

    score of t and s = (query of t · key of s) / √K      weights = softmax over s      answer = sum of weight · value

One head, K = 1, a query of zeros (all scores are equal), the values 2, 4, 9. All at once, or one by one:

    2        (2 + 4) / 2 = 3        (2 + 4 + 9) / 3 = 5

A prompt comes as one piece of several positions, then one token after the other: [2, 4] gives 2 and 3, and then [9]
gives 5. A second piece of several positions is allowed, too; mind which of its positions see which.

带缓存的注意力：每次只送来新位置的查询、键、值，旧的键和值都在缓存里。
先把新的存进去，再让每个新位置看所有旧位置，以及到它自己为止的新位置。分几次送，结果都要和一次算完相同。
"""

import torch


class Cache:
    """`keys` and `values` (H, S, K) of the S positions so far; at first S = 0. This class is done."""

    def __init__(self, heads: int, size: int) -> None:
        self.keys = self.values = torch.zeros(heads, 0, size)


def attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, cache: Cache) -> torch.Tensor:
    """Answers to the T new positions, (H, T, K), as are `query`, `key` and `value`. `cache` then holds T more."""
    raise NotImplementedError("your turn")
