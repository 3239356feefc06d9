"""Cut the last axis first, then let the heads' axis move past the positions."""

import torch


def split(x: torch.Tensor, n_heads: int) -> torch.Tensor:
    b, t, d = x.shape
    return x.reshape(b, t, n_heads, d // n_heads).transpose(1, 2)


def join(heads: torch.Tensor) -> torch.Tensor:
    b, n_heads, t, size = heads.shape
    return heads.transpose(1, 2).reshape(b, t, n_heads * size)
