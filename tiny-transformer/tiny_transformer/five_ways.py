"""The same multi-head attention written five ways: equal results, different time and memory.

The blockwise way is the idea of FlashAttention (Dao et al. 2022, arXiv:2205.14135) with the loop order of its
successor (Dao 2023, arXiv:2307.08691) and the running softmax of Milakov & Gimelshein 2018 (arXiv:1805.02867).

Shapes: B batch, H heads, T positions, D model size, K head size (D = H * K), N positions of one block.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

BLOCK = 128  # positions; a block of scores, (N, N) for every head, should fit into the processor's cache


@dataclass(frozen=True)
class Weights:
    """What all five share. The columns of `input_D3D`: queries of all heads, keys of all heads, values of all heads."""

    input_D3D: Tensor
    output_DD: Tensor
    n_heads: int


def loop_over_heads(x_BTD: Tensor, weights: Weights, causal: bool) -> Tensor:
    """Equation by equation, as the paper has it: every head projects, attends, and the results stand side by side."""
    query_DD, key_DD, value_DD = weights.input_D3D.chunk(3, dim=1)
    head_size = query_DD.shape[1] // weights.n_heads
    heads_BTK = []
    for start in range(0, query_DD.shape[1], head_size):
        own = slice(start, start + head_size)
        query_BTK, key_BTK, value_BTK = x_BTD @ query_DD[:, own], x_BTD @ key_DD[:, own], x_BTD @ value_DD[:, own]
        heads_BTK.append(softmax(query_BTK / math.sqrt(head_size) @ key_BTK.mT, causal) @ value_BTK)
    return torch.cat(heads_BTK, dim=-1) @ weights.output_DD


def fused_projection(x_BTD: Tensor, weights: Weights, causal: bool) -> Tensor:
    """One product makes the queries, keys and values of all heads; the heads are then one more batch dimension."""
    query_BHTK, key_BHTK, value_BHTK = project(x_BTD, weights)
    weights_BHTT = softmax(query_BHTK / math.sqrt(query_BHTK.shape[-1]) @ key_BHTK.mT, causal)
    return join(weights_BHTT @ value_BHTK, weights)


def einsum(x_BTD: Tensor, weights: Weights, causal: bool) -> Tensor:
    """No reshaping in sight: every axis has a letter (t queries, s keys), and a letter that vanishes is summed over."""
    input_D3HK = weights.input_D3D.unflatten(1, (3, weights.n_heads, -1))
    query_BTHK, key_BTHK, value_BTHK = torch.einsum("btd,dnhk->nbthk", x_BTD, input_D3HK)
    query_BTHK = query_BTHK / math.sqrt(query_BTHK.shape[-1])
    weights_BHTT = softmax(torch.einsum("bthk,bshk->bhts", query_BTHK, key_BTHK), causal)
    heads_BTHK = torch.einsum("bhts,bshk->bthk", weights_BHTT, value_BTHK)
    return torch.einsum("bthk,hkd->btd", heads_BTHK, weights.output_DD.unflatten(0, (weights.n_heads, -1)))


def torch_kernel(x_BTD: Tensor, weights: Weights, causal: bool) -> Tensor:
    """PyTorch's own: the scores never exist as a whole, and a causal kernel skips most of what it may not see."""
    query_BHTK, key_BHTK, value_BHTK = project(x_BTD, weights)
    return join(F.scaled_dot_product_attention(query_BHTK, key_BHTK, value_BHTK, is_causal=causal), weights)


def blockwise(x_BTD: Tensor, weights: Weights, causal: bool) -> Tensor:
    """Read the keys block by block; when a higher score turns up, shrink what was summed before to the new scale."""
    query_BHTK, key_BHTK, value_BHTK = project(x_BTD, weights)
    query_BHTK = query_BHTK / math.sqrt(query_BHTK.shape[-1])
    length = x_BTD.shape[1]
    rows = []
    for row in range(0, length, BLOCK):
        query_BHNK = query_BHTK[:, :, row : row + BLOCK]
        highest_BHN1 = torch.full_like(query_BHNK[..., :1], -math.inf)  # of the scores seen so far
        total_BHN1, mixed_BHNK = torch.zeros_like(highest_BHN1), torch.zeros_like(query_BHNK)
        for column in range(0, row + 1 if causal else length, BLOCK):  # blocks above the diagonal are never touched
            scores_BHNN = query_BHNK @ key_BHTK[:, :, column : column + BLOCK].mT
            if causal and column == row:
                scores_BHNN = hide_future(scores_BHNN)
            # the highest score cancels out of the result, so it needs no gradient
            new_highest_BHN1 = torch.maximum(highest_BHN1, scores_BHNN.detach().amax(-1, keepdim=True))
            shrink_BHN1 = (highest_BHN1 - new_highest_BHN1).exp()
            weights_BHNN = (scores_BHNN - new_highest_BHN1).exp()
            total_BHN1 = total_BHN1 * shrink_BHN1 + weights_BHNN.sum(-1, keepdim=True)
            mixed_BHNK = mixed_BHNK * shrink_BHN1 + weights_BHNN @ value_BHTK[:, :, column : column + BLOCK]
            highest_BHN1 = new_highest_BHN1
        rows.append(mixed_BHNK / total_BHN1)
    return join(torch.cat(rows, dim=2), weights)


def project(x_BTD: Tensor, weights: Weights) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values, each (B, H, T, K)."""
    x_BT3HK = (x_BTD @ weights.input_D3D).unflatten(-1, (3, weights.n_heads, -1))
    query_BHTK, key_BHTK, value_BHTK = x_BT3HK.permute(2, 0, 3, 1, 4)
    return query_BHTK, key_BHTK, value_BHTK


def join(heads_BHTK: Tensor, weights: Weights) -> Tensor:
    return heads_BHTK.transpose(1, 2).flatten(2) @ weights.output_DD


def softmax(scores_TT: Tensor, causal: bool) -> Tensor:
    return (hide_future(scores_TT) if causal else scores_TT).softmax(-1)


def hide_future(scores_TT: Tensor) -> Tensor:
    """Nothing may look at what stands after it: a score of -inf is a weight of 0 (every row keeps its own position).

    In place: nobody else needs these scores, and a second copy would show in the memory.
    """
    future_TT = scores_TT.new_ones(scores_TT.shape[-2:], dtype=torch.bool).triu(1)
    return scores_TT.masked_fill_(future_TT, -math.inf)


Way = Callable[[Tensor, Weights, bool], Tensor]
WAYS: dict[str, Way] = {
    "loop over heads": loop_over_heads,
    "fused projection": fused_projection,
    "einsum": einsum,
    "torch's kernel": torch_kernel,
    "blockwise": blockwise,
}
