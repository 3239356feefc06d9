"""Rotary position embedding (Su et al. 2021, arXiv:2104.09864) with the long-context scaling of Llama 3.1.

Shapes: B batch, H heads, T positions, K head size (even), P = K/2 pairs.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from tiny_llama3.problem import Problem


@dataclass(frozen=True)
class RopeScaling:
    """Llama 3.1: slow pairs turn `factor` times slower, fast pairs as before, those between are blended."""

    factor: float = 8.0
    low_freq_factor: float = 1.0
    high_freq_factor: float = 4.0
    original_max_position_embeddings: int = 8192

    def __post_init__(self) -> None:
        if self.factor < 1:
            raise Problem(f"rope scaling's factor must be 1 or more (got {self.factor}); change it")
        if not 0 < self.low_freq_factor < self.high_freq_factor:
            raise Problem(
                "rope scaling needs 0 < low_freq_factor < high_freq_factor "
                f"(got {self.low_freq_factor}, {self.high_freq_factor}); change them"
            )
        if self.original_max_position_embeddings < 1:
            raise Problem(
                "rope scaling's original_max_position_embeddings must be 1 or more "
                f"(got {self.original_max_position_embeddings}); change it"
            )


def pair_frequencies(head_size: int, theta: float, scaling: RopeScaling | None = None) -> Tensor:
    """Radians that each pair turns per position: (P,), float32."""
    frequency_P = theta ** (-torch.arange(0, head_size, 2, dtype=torch.float32) / head_size)
    if scaling is None:
        return frequency_P
    # How often a pair turned over the length that the model was first trained on. Pairs that turned often tell near
    # positions apart and stay; pairs that never came round would meet unseen angles beyond that length and are slowed.
    turns_P = scaling.original_max_position_embeddings * frequency_P / (2 * math.pi)
    kept_P = (turns_P - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor)
    kept_P = kept_P.clamp(0, 1)
    return frequency_P * (kept_P + (1 - kept_P) / scaling.factor)


def rotation_table(positions: int, frequency_P: Tensor) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the angle of every (position, pair), each pair twice: two tensors (positions, K)."""
    angles_TP = torch.arange(positions, dtype=torch.float32, device=frequency_P.device)[:, None] * frequency_P
    angles_TK = torch.cat([angles_TP, angles_TP], dim=-1)  # the checkpoints pair i with i + K/2, not with its neighbour
    return angles_TK.cos(), angles_TK.sin()


def rotate(x_BHTK: Tensor, cos_TK: Tensor, sin_TK: Tensor) -> Tensor:
    """Turn each pair (x[i], x[i + K/2]) by its angle; the length of every pair is unchanged."""
    first, second = x_BHTK.chunk(2, dim=-1)
    return x_BHTK * cos_TK + torch.cat([-second, first], dim=-1) * sin_TK
