"""Attention with grouped heads (Ainslie et al. 2023, arXiv:2305.13245) as Qwen2 has it: bias on q, k and v, none on o.

Shapes: B batch, T positions that ask, S positions that are asked, D hidden size, H query heads, G key/value heads,
K head size, R = H / G, X = H * K.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from qwen_blog.cache import KVCache
from qwen_blog.config import QwenConfig
from qwen_blog.linear import Linear
from qwen_blog.rope import rotate

Attend = Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor]


def attend(query_BHTK: Tensor, key_BGSK: Tensor, value_BGSK: Tensor, mask_B1TS: Tensor | None) -> Tensor:
    """Each position's mixture of values, (B, H, T, K), written out. No mask: all positions up to the asking one."""
    asking, seen = query_BHTK.shape[2], key_BGSK.shape[2]
    if mask_B1TS is None:
        mask_B1TS = torch.ones(asking, seen, dtype=torch.bool, device=query_BHTK.device).tril(seen - asking)
    shared = query_BHTK.shape[1] // key_BGSK.shape[1]  # query heads that ask the same keys
    key_BHSK = key_BGSK.repeat_interleave(shared, dim=1)
    value_BHSK = value_BGSK.repeat_interleave(shared, dim=1)
    # dividing by √K keeps the scores' variance at 1, or softmax would see only the largest
    scores_BHTS = (query_BHTK @ key_BHSK.mT).float() / query_BHTK.shape[-1] ** 0.5
    masked_BHTS = scores_BHTS.masked_fill(~mask_B1TS, -torch.inf)  # exp(-∞) = 0: no weight at all
    weights_BHTS = masked_BHTS.softmax(-1)
    mixed_BHTK = weights_BHTS.to(value_BHSK.dtype) @ value_BHSK
    return mixed_BHTK


def attend_fused(query_BHTK: Tensor, key_BGSK: Tensor, value_BGSK: Tensor, mask_B1TS: Tensor | None) -> Tensor:
    """The same from PyTorch's kernel (Dao 2023, arXiv:2307.08691), which never holds all T * S weights at once."""
    several = query_BHTK.shape[2] > 1
    if not several:  # one position: the heads that share keys are laid side by side, as if they were positions
        folded_BGRK = query_BHTK.view(*key_BGSK.shape[:2], -1, key_BGSK.shape[3])
        mixed_BGRK = functional.scaled_dot_product_attention(folded_BGRK, key_BGSK, value_BGSK, mask_B1TS)
        return mixed_BGRK.view(query_BHTK.shape)
    return functional.scaled_dot_product_attention(
        query_BHTK, key_BGSK, value_BGSK, mask_B1TS, is_causal=mask_B1TS is None, enable_gqa=True
    )


class Attention(nn.Module):
    def __init__(self, config: QwenConfig) -> None:
        super().__init__()
        d, k, bias = config.hidden_size, config.head_size, bool(config.attention_bias)
        self.head_size = k
        self.attend: Attend = attend_fused  # or `attend`, which gives the same
        self.q_proj = Linear(d, config.num_attention_heads * k, bias=bias)
        self.k_proj = Linear(d, config.groups * k, bias=bias)
        self.v_proj = Linear(d, config.groups * k, bias=bias)
        # Qwen3's attention_bias is on all four; Qwen2 has none on o
        self.o_proj = Linear(config.num_attention_heads * k, d, bias=bias and config.qk_norm)

    def forward(self, x_BTD: Tensor, turn: tuple[Tensor, Tensor], mask_B1TS: Tensor | None, cache: KVCache | None,
                layer: int) -> Tensor:  # fmt: skip
        query_BHTK, key_BGTK, value_BGTK = self.queries(x_BTD), self.keys(x_BTD), self.values(x_BTD)
        turned_query_BHTK = rotate(query_BHTK, *turn)
        turned_key_BGTK = rotate(key_BGTK, *turn)
        key_BGSK, value_BGSK = turned_key_BGTK, value_BGTK
        if cache is not None:
            key_BGSK, value_BGSK = cache.add(layer, turned_key_BGTK, value_BGTK)
        heads_BHTK = self.attend(turned_query_BHTK, key_BGSK, value_BGSK, mask_B1TS)
        joined_BTX = heads_BHTK.transpose(1, 2).flatten(2)
        return self.o_proj(joined_BTX)

    def queries(self, x_BTD: Tensor) -> Tensor:
        return self.heads(self.q_proj(x_BTD))

    def keys(self, x_BTD: Tensor) -> Tensor:
        return self.heads(self.k_proj(x_BTD))

    def values(self, x_BTD: Tensor) -> Tensor:
        return self.heads(self.v_proj(x_BTD))

    def heads(self, x_BTX: Tensor) -> Tensor:
        """Cut the last dimension into heads and put them in front of the positions."""
        return x_BTX.unflatten(-1, (-1, self.head_size)).transpose(1, 2)
