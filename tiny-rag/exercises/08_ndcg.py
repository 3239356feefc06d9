"""Chapter 8: normalised discounted cumulative gain.

`gains` are the gains of what was found, best rank first (0: not relevant; 2: twice as good as 1). `ideal` are the gains
of everything that should be found, in any order. The gain at rank r is worth gain / log2(r + 1). Add up the first
`depth` ranks, and divide by the same sum for the best possible order of `ideal`. If there's nothing to find, return 0.

第 r 名的增益折成 gain / log2(r + 1)；取前 `depth` 名求和，再除以 `ideal` 按最好顺序排列时的同一个和。
没有可找的就返回 0。
"""


def ndcg(gains: list[float], ideal: list[float], depth: int) -> float:
    raise NotImplementedError("your turn")
