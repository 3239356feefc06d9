"""Chapter 4: attention in which query heads share a head of keys and values, and documents don't see each other.

There are H query heads and G heads of keys and values; G divides H. The first H/G query heads share head 0 of the keys
and values, the next H/G share head 1: with H = 4 and G = 2, heads 0 and 1 ask key head 0, heads 2 and 3 key head 1.

    score of t and s = (query of t · key of s) / √K      weights = softmax over s      answer = sum of weight · value

Position t may look at s if s doesn't come after t and both are of the same document. Four positions, the first two of
document 0, the last two of document 1, a query of zeros (all scores are equal) and the values 1, 2, 3, 6:

    answers: 1, (1 + 2) / 2 = 1.5, 3, (3 + 6) / 2 = 4.5

With K = 4, a query [2, 2, 0, 0] and the keys [1, 1, 0, 0] and [0, 0, 0, 0] the scores are 4 / √4 = 2 and 0, the weights
0.8808 and 0.1192; of the values 10 and 20 that makes 11.19.

分组查询注意力：H 个查询头分成 G 组，每组共用一个键值头，相邻的头在同一组。
位置 t 只看不在它之后、而且属于同一篇文档的位置。
"""

import torch


def grouped_attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, documents: torch.Tensor
) -> torch.Tensor:
    """(B, H, T, K). `query` (B, H, T, K), `key` and `value` (B, G, T, K), `documents` (B, T): numbers of documents."""
    raise NotImplementedError("your turn")
