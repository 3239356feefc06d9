"""Causal self-attention (Vaswani et al. 2017, arXiv:1706.03762): look back at everything, weighted by relevance.

The n-gram model sees a window of fixed length, and each place in it has weights of its own. Attention replaces the
window: every position asks a question (query), every earlier one offers an answer (value) under a label (key), and
what comes in is the mean of the answers, weighted by how well label and question fit. One head can ask one question a
position; several heads, each with a part of the width, ask several for the same price.

Shapes: B items, T positions (S: those looked at), H heads, K head size, D width, V characters and the boundary.
"""

import math

import torch
from torch import nn


def causal_attention(q_BHTK: torch.Tensor, k_BHSK: torch.Tensor, v_BHSK: torch.Tensor) -> torch.Tensor:
    """softmax(q · k / √K) v over positions up to one's own: (B, H, T, K), with T = S."""
    t, head_size = q_BHTK.shape[-2:]
    scores_BHTS = q_BHTK @ k_BHSK.mT / math.sqrt(head_size)  # √K keeps the scores' variance at 1
    later_TS = torch.ones(t, t, dtype=torch.bool, device=q_BHTK.device).triu(1)
    return scores_BHTS.masked_fill(later_TS, -math.inf).softmax(-1) @ v_BHSK


def split_heads(x_BTD: torch.Tensor, n_heads: int) -> torch.Tensor:
    """(B, T, D) to (B, H, T, K): each head gets its part of the width."""
    return x_BTD.unflatten(-1, (n_heads, -1)).transpose(1, 2)


def join_heads(x_BHTK: torch.Tensor) -> torch.Tensor:
    """The way back: (B, H, T, K) to (B, T, D)."""
    return x_BHTK.transpose(1, 2).flatten(2)


class AttentionModel(nn.Module):
    """The n-gram model with attention in the window's place: embed, attend, hidden layer, output."""

    def __init__(self, vocab_size: int, n_positions: int, n_heads: int = 1, d_model: int = 64, d_hidden: int = 200):
        super().__init__()
        if n_heads < 1 or d_model % n_heads:
            raise ValueError(f"n_heads must divide d_model (got {n_heads}, {d_model})")
        self.n_heads = n_heads
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.position = nn.Embedding(n_positions, d_model)  # attention sees a set: positions tell the order
        self.query_key_value = nn.Linear(d_model, 3 * d_model)
        self.join = nn.Linear(d_model, d_model)
        self.hidden = nn.Linear(d_model, d_hidden)
        self.output = nn.Linear(d_hidden, vocab_size)

    def forward(self, ids_BT: torch.Tensor) -> torch.Tensor:
        x_BTD = self.embedding(ids_BT) + self.position.weight[: ids_BT.shape[1]]
        q, k, v = (split_heads(part, self.n_heads) for part in self.query_key_value(x_BTD).chunk(3, dim=-1))
        x_BTD = x_BTD + self.join(join_heads(causal_attention(q, k, v)))  # a position keeps its own character
        return self.output(torch.tanh(self.hidden(x_BTD)))
