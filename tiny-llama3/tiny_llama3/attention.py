"""Attention itself: softmax(Q Kᵀ / √K) V, where H/G query heads share one head of keys and values.

Shapes: B batch, T positions that ask, S positions that are asked, H query heads, G key/value heads, R = H/G, K head
size.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

Attend = Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor]


def attend(query_BHTK: Tensor, key_BGSK: Tensor, value_BGSK: Tensor, mask_B1TS: Tensor | None) -> Tensor:
    """Each position's mixture of values, (B, H, T, K). `mask_B1TS` is True where it may look; None: all up to itself.

    Written out. The heads that share keys are laid one below the other, so the keys need not be repeated.
    """
    heads, positions, size = query_BHTK.shape[1:]
    groups = key_BGSK.shape[1]
    if mask_B1TS is None:
        mask_B1TS = causal(positions, key_BGSK.shape[2], query_BHTK.device)
    stacked_BGXK = query_BHTK.reshape(-1, groups, heads // groups * positions, size)  # X = R * T
    scores_BGXS = stacked_BGXK @ key_BGSK.mT
    # dividing by √K keeps the scores' variance at 1, or softmax would see only the largest
    scores_BGRTS = scores_BGXS.unflatten(2, (heads // groups, positions)).float() * size**-0.5
    hidden_B11TS = torch.where(mask_B1TS, 0.0, -torch.inf)[:, :, None]  # exp(-∞) = 0: no weight at all
    weights_BGRTS = (scores_BGRTS + hidden_B11TS).softmax(-1)
    mixed_BGXK = weights_BGRTS.flatten(2, 3).to(value_BGSK.dtype) @ value_BGSK
    return mixed_BGXK.reshape(-1, heads, positions, size)


def attend_fused(query_BHTK: Tensor, key_BGSK: Tensor, value_BGSK: Tensor, mask_B1TS: Tensor | None) -> Tensor:
    """The same from PyTorch's kernel (Dao 2023, arXiv:2307.08691), which never holds all T * S weights at once."""
    return functional.scaled_dot_product_attention(
        query_BHTK, key_BGSK, value_BGSK, mask_B1TS, is_causal=mask_B1TS is None, enable_gqa=True
    )


def causal(positions: int, seen: int, device: torch.device | str = "cpu") -> Tensor:
    """True where the last `positions` of `seen` positions may look, (1, 1, T, S): up to themselves."""
    return torch.ones(positions, seen, dtype=torch.bool, device=device).tril(seen - positions)[None, None]
