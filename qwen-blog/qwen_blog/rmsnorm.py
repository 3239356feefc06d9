"""RMSNorm (Zhang & Sennrich 2019, arXiv:1910.07467): bring a row to the length √D, then stretch each channel.

Shapes: D numbers in the last dimension.
"""

import torch
from torch import Tensor, nn


class RMSNorm(nn.Module):
    """x / sqrt(mean(x²) + eps) * weight, over the last dimension. No mean is subtracted, no bias added."""

    def __init__(self, size: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()  # squares of 16-bit numbers would lose too much
        scale = torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)
        return self.weight * (wide * scale).to(x.dtype)
