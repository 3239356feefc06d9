"""Chapter 3: split the features into heads, and join them again.

`split` turns (B, T, D) into (B, H, T, K) with K = D / H: head 0 gets the first K features of every position, head 1
the next K. `join` is the way back. They are tensors; view, transpose and reshape are enough. Mind which axis moves:
a reshape alone to (B, H, T, K) has the right shape and mixes positions with features.

把特征切给各个头，再拼回来：第 0 个头拿每个位置的前 K 个特征，第 1 个头拿接下来的 K 个。
只用一次 reshape，形状虽对，位置和特征却混在了一起。
"""

import torch


def split(x: torch.Tensor, n_heads: int) -> torch.Tensor:
    raise NotImplementedError("your turn")


def join(heads: torch.Tensor) -> torch.Tensor:
    raise NotImplementedError("your turn")
