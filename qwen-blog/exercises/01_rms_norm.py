"""Chapter 4: bring rows to one length (RMSNorm).

Each row is divided by the root of the mean of its squares, and then multiplied, channel by channel, by a weight:

    y = x / sqrt(mean(x²) + eps) · weight

The row [3, 4] has mean(x²) = 12.5 and the root 3.5355:

    [3, 4], weight [1, 1] → [0.8485, 1.1314]        [3, 4], weight [2, 0] → [1.6971, 0]

Compute the squares in 32 bits, also where x has 16 (they come back as 16): in bfloat16 the sum loses its digits.

把每一行除以其平方平均的平方根，再逐通道乘以权重。即使输入是 16 位，平方也要用 32 位来算，结果再转回 16 位。
"""

import torch


def rms_norm(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    """Rows are in the last dimension of `x`, however many dimensions stand before it; same shape and type."""
    raise NotImplementedError("your turn")
