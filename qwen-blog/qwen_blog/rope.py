"""Rotary positions (Su et al. 2021, arXiv:2104.09864), with YaRN (Peng et al. 2023, arXiv:2309.00071) for long texts.

A head's numbers form pairs, each turned by an angle that grows with the position. The product of a query and a key
then depends on how far apart they are, not on where they stand.

Shapes: B batch, H heads, T positions, K head size (even), P = K/2 pairs.
"""

import math

import torch
from torch import Tensor

from qwen_blog.config import Yarn


def pair_frequencies(head_size: int, theta: float, yarn: Yarn | None = None) -> Tensor:
    """Radians that each pair turns per position: (P,), float32. Early pairs are seconds hands, late ones hour hands."""
    # on the CPU, also where a model is made without memory
    plain_P = 1.0 / theta ** (torch.arange(0, head_size, 2, dtype=torch.float32, device="cpu") / head_size)
    if yarn is None:
        return plain_P

    # Pairs that turned more than beta_fast times within the trained length tell near positions apart: they stay. Those
    # that turned less than beta_slow times would meet unseen angles in a longer text: they are slowed down by `factor`.
    def pair_that_turns(times: float) -> float:
        length = yarn.original_max_position_embeddings
        return head_size * math.log(length / (times * 2 * math.pi)) / (2 * math.log(theta))

    first = max(math.floor(pair_that_turns(yarn.beta_fast)), 0)
    last = min(math.ceil(pair_that_turns(yarn.beta_slow)), head_size - 1)
    slowed_P = ((torch.arange(head_size // 2, device="cpu") - first) / max(last - first, 0.001)).clamp(0, 1)
    return plain_P * (1 - slowed_P) + plain_P / yarn.factor * slowed_P


def stretch(yarn: Yarn | None) -> float:
    """YaRN makes queries and keys a little longer, so that softmax stays as sharp among more positions."""
    if yarn is None:
        return 1.0
    return yarn.attention_factor if yarn.attention_factor is not None else 0.1 * math.log(yarn.factor) + 1


def rotation(start: int, stop: int, frequency_P: Tensor, length: float = 1.0) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the angle of every (position, pair), each pair twice: two tensors (T, K)."""
    positions_T = torch.arange(start, stop, dtype=torch.float32, device=frequency_P.device)
    angles_TP = positions_T[:, None] * frequency_P
    angles_TK = torch.cat([angles_TP, angles_TP], dim=-1)  # the checkpoints pair i with i + K/2, not its neighbour
    return angles_TK.cos() * length, angles_TK.sin() * length


def rotate(x_BHTK: Tensor, cos_TK: Tensor, sin_TK: Tensor) -> Tensor:
    """Turn each pair (x[i], x[i + K/2]) by its angle."""
    first, second = x_BHTK.chunk(2, dim=-1)
    return x_BHTK * cos_TK + torch.cat([-second, first], dim=-1) * sin_TK
