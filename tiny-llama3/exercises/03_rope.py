"""Chapter 4: turn queries and keys by their position (RoPE).

`x` has K numbers for each position, and K is even. They form K/2 pairs: pair i is (x[i], x[i + K/2]). At position p,
pair i is turned by the angle p · theta^(-2i / K), in radians:

    (a, b) → (a · cos - b · sin, a · sin + b · cos)

With K = 4 and theta = 10,000, pair 0 is (x[0], x[2]) and turns by 1 per position; pair 1, (x[1], x[3]), by 0.01. At
position 2, cos 2 = -0.4161 and sin 2 = 0.9093:

    [1, 0, 0, 0] → [-0.4161, 0, 0.9093, 0]        [0, 1, 0, 0] → [0, 0.9998, 0, 0.0200]

The scores then know how far apart two positions are, and nothing else: with q = k = [1, 0, 0, 0], positions 5 and 3
have the score cos(5 - 3) = -0.4161, and so have 105 and 103.

旋转位置编码：第 i 个数和第 i + K/2 个数成一对，在位置 p 转过角度 p · theta^(-2i / K)。
转过以后，两个位置的点积只取决于它们的距离。
"""

import torch


def rotate(x: torch.Tensor, positions: torch.Tensor, theta: float) -> torch.Tensor:
    """`x` (B, H, T, K) turned, the same shape. `positions` (T,): the number of each position; it needn't start at 0."""
    raise NotImplementedError("your turn")
