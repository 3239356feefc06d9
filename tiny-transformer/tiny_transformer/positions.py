"""Sinusoidal positions (Vaswani et al. 2017, section 3.5): a clock with D / 2 hands, each slower than the last.

Attention treats its keys as a bag; these numbers, added to the embeddings, tell it what stands where.
"""

import torch
from torch import Tensor


def sinusoidal_positions(length: int, d_model: int) -> Tensor:
    """(T, D): feature 2i is sin(position / 10000^(2i/D)), feature 2i + 1 the cosine of the same angle."""
    position_T1 = torch.arange(length, dtype=torch.float32)[:, None]
    frequency_D2 = 10_000.0 ** (-torch.arange(0, d_model, 2) / d_model)
    angles_TD2 = position_T1 * frequency_D2
    # interleaved: sin, cos, sin, cos, ...; an odd D does without the last cosine
    return torch.stack([angles_TD2.sin(), angles_TD2.cos()], dim=-1).flatten(1)[:, :d_model]
