"""Chapter 7: McNemar's exact test.

`a` and `b` are 0 or 1, item by item. Keep the items that only one of the two got right; m of them, and the rarer kind
k times. If both models were equally good, each would be the toss of a fair coin. Return

    p = 2 · P(at most k heads in m tosses), but never above 1

If no item tells the two apart, p is 1.

只看一对一错的题：共 m 道，较少的一方占 k 道。p 等于掷 m 次硬币、正面不超过 k 次的概率的两倍，最大为 1。
"""


def mcnemar(a: list[int], b: list[int]) -> float:
    raise NotImplementedError("your turn")
