"""Attention (Vaswani et al. 2017, arXiv:1706.03762, section 3.2): a soft dictionary, then several of them at once.

Shapes: B batch, H heads, T queries, S keys and values, K head size, D model size. Masks: True = may attend.
"""

import math

import torch
from torch import Tensor, nn

from tiny_transformer.dropout import dropout as drop


def attention_weights(query: Tensor, key: Tensor, mask: Tensor | None = None) -> Tensor:
    """How much each query looks at each key: (..., T, K), (..., S, K) -> (..., T, S); every row sums to 1.

    `mask` is boolean and broadcasts to (..., T, S). A query that may attend to nothing gets a row of zeros.
    """
    # the dot product of K random numbers has variance K; divided by √K it keeps variance 1, and softmax stays soft
    scores = (query / math.sqrt(query.shape[-1])) @ key.transpose(-2, -1)
    if mask is None:
        return scores.softmax(-1)
    # the lowest finite number, not -inf: a row of nothing but -inf would turn into NaN, here and in the gradient
    weights = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(-1)
    return weights.masked_fill(~mask, 0.0)


def scaled_dot_product_attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """The mean of the values, weighted by how well their keys fit the query: (..., T, K).

    query (..., T, K), key and value (..., S, K), mask as for `attention_weights`.
    """
    return attention_weights(query, key, mask) @ value


class MultiHeadAttention(nn.Module):
    """H attentions side by side, each on its own K = D / H features of every position."""

    def __init__(self, d_model: int, n_heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        if n_heads < 1 or d_model % n_heads:
            raise ValueError(f"n_heads must divide d_model (got {n_heads}, {d_model})")
        self.n_heads, self.dropout = n_heads, dropout
        self.query = nn.Linear(d_model, d_model)
        self.key = nn.Linear(d_model, d_model)
        self.value = nn.Linear(d_model, d_model)
        self.output = nn.Linear(d_model, d_model)

    def forward(self, query_BTD: Tensor, key_BSD: Tensor, value_BSD: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, T, D); the mask broadcasts to (B, H, T, S)."""
        return self.attend(query_BTD, *self.keys_and_values(key_BSD, value_BSD), mask)

    def keys_and_values(self, key_BSD: Tensor, value_BSD: Tensor) -> tuple[Tensor, Tensor]:
        """Both as (B, H, S, K): what a decoder keeps instead of computing it again for every new token."""
        return self.split_heads(self.key(key_BSD)), self.split_heads(self.value(value_BSD))

    def attend(self, query_BTD: Tensor, key_BHSK: Tensor, value_BHSK: Tensor, mask: Tensor | None = None) -> Tensor:
        weights_BHTS = self.weights(query_BTD, key_BHSK, mask)
        heads_BHTK = drop(weights_BHTS, self.dropout, self.training) @ value_BHSK
        return self.output(heads_BHTK.transpose(1, 2).flatten(2))

    def weights(self, query_BTD: Tensor, key_BHSK: Tensor, mask: Tensor | None = None) -> Tensor:
        """Where every head looks: (B, H, T, S)."""
        return attention_weights(self.split_heads(self.query(query_BTD)), key_BHSK, mask)

    def split_heads(self, x_BTD: Tensor) -> Tensor:
        return x_BTD.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)
