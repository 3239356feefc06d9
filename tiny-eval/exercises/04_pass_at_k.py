"""Chapter 4: pass@k, unbiased.

`n` programs were drawn for a problem and `c` of them pass its tests. Take `k` of the `n` (1 <= k <= n), each set of k
being as likely as any other: return the chance that at least one of them passes. You need math.comb(n, k).

为一道题采样 n 个程序，其中 c 个通过。从 n 个里不放回地取 k 个，求至少有一个通过的概率。会用到 math.comb。
"""


def pass_at_k(n: int, c: int, k: int) -> float:
    raise NotImplementedError("your turn")
