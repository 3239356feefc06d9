"""Compare with tiny_transformer.attention."""

from types import ModuleType

import torch
from tiny_shared.exercises import expect

from tiny_transformer.attention import MultiHeadAttention


def check(answer: ModuleType) -> None:
    for b, t, n_heads, size in [(1, 2, 2, 2), (1, 1, 1, 3), (2, 3, 2, 2), (3, 4, 4, 1), (2, 5, 3, 2)]:
        x = torch.arange(b * t * n_heads * size).view(b, t, n_heads * size)
        wanted = MultiHeadAttention(n_heads * size, n_heads).split_heads(x)
        expect(f"split({x.tolist()}, {n_heads})", answer.split(x.clone(), n_heads), wanted)
        expect(f"join({wanted.tolist()})", answer.join(wanted.clone()), x)
