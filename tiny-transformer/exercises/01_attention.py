"""Chapter 1: attention for one query, in plain Python.

`query` is a list of K numbers, `keys` a list of such lists, `values` a list of lists of any one length.

    score of a key = (query · key) / √K        shares = softmax of the scores
    answer = sum of share · value, number by number

Scores may be large: exp(1000) is an OverflowError. Softmax stays the same if you subtract the largest score first.

一个查询的注意力，只用 Python 列表来写：点积除以 √K，做 softmax，再按所得权重对值加权平均。
分数可能很大，做 softmax 前先减去最大的分数。
"""


def attention(query: list[float], keys: list[list[float]], values: list[list[float]]) -> list[float]:
    raise NotImplementedError("your turn")
