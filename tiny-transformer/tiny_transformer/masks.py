"""Who may look at whom: boolean masks, True = may attend, combined with `&`.

Shapes: B batch, T queries, S keys. Both masks broadcast to (B, H, T, S), the shape of the attention weights.
"""

import torch
from torch import Tensor


def causal_mask(length: int, device: torch.device | None = None) -> Tensor:
    """Position t sees itself and what stands before it: (T, T), the lower triangle."""
    return torch.ones(length, length, dtype=torch.bool, device=device).tril()


def padding_mask(ids_BS: Tensor, pad_id: int) -> Tensor:
    """Nobody looks at padding: (B, 1, 1, S), the same for all heads and queries."""
    return (ids_BS != pad_id)[:, None, None, :]
