"""One layer of the encoder and one of the decoder: attention and a small network, each inside a residual connection.

Post-norm, as in the paper: x = norm(x + f(x)). Pre-norm, as in most models since: x = x + f(norm(x)); the residual
stream then runs through untouched, and training needs less care at the start.

Shapes: B batch, T target positions, S source positions, D model size, F inner size, K head size, H heads.
"""

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F

from tiny_transformer.attention import MultiHeadAttention
from tiny_transformer.cache import LayerCache
from tiny_transformer.dropout import dropout as drop


class FeedForward(nn.Module):
    """The same two-layer network at every position (section 3.3): (B, T, D) -> (B, T, D)."""

    def __init__(self, d_model: int, d_ff: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.inner, self.outer, self.dropout = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model), dropout

    def forward(self, x_BTD: Tensor) -> Tensor:
        inner_BTF = F.relu(self.inner(x_BTD))
        return self.outer(drop(inner_BTF, self.dropout, self.training))


class Residual(nn.Module):
    """Add a sub-layer's output to its input; dropout on what is added (section 5.4), LayerNorm after or before."""

    def __init__(self, d_model: int, dropout: float, pre_norm: bool) -> None:
        super().__init__()
        self.norm, self.dropout, self.pre_norm = nn.LayerNorm(d_model), dropout, pre_norm

    def forward(self, x_BTD: Tensor, sublayer: Callable[[Tensor], Tensor]) -> Tensor:
        if self.pre_norm:
            return x_BTD + drop(sublayer(self.norm(x_BTD)), self.dropout, self.training)
        return self.norm(x_BTD + drop(sublayer(x_BTD), self.dropout, self.training))


class EncoderLayer(nn.Module):
    """Every source position looks at every other, then thinks for itself."""

    def __init__(
        self, d_model: int, n_heads: int, d_ff: int, dropout: float, inner_dropout: float, pre_norm: bool
    ) -> None:
        super().__init__()
        self.self_attention = MultiHeadAttention(d_model, n_heads, inner_dropout)
        self.feed_forward = FeedForward(d_model, d_ff, inner_dropout)
        self.around_self = Residual(d_model, dropout, pre_norm)
        self.around_feed_forward = Residual(d_model, dropout, pre_norm)

    def forward(self, x_BSD: Tensor, mask: Tensor | None) -> Tensor:
        x_BSD = self.around_self(x_BSD, lambda x: self.self_attention(x, x, x, mask))
        return self.around_feed_forward(x_BSD, self.feed_forward)


class DecoderLayer(nn.Module):
    """Every target position looks back at the target, then at the source, then thinks for itself."""

    def __init__(
        self, d_model: int, n_heads: int, d_ff: int, dropout: float, inner_dropout: float, pre_norm: bool
    ) -> None:
        super().__init__()
        self.self_attention = MultiHeadAttention(d_model, n_heads, inner_dropout)
        self.cross_attention = MultiHeadAttention(d_model, n_heads, inner_dropout)
        self.feed_forward = FeedForward(d_model, d_ff, inner_dropout)
        self.around_self = Residual(d_model, dropout, pre_norm)
        self.around_cross = Residual(d_model, dropout, pre_norm)
        self.around_feed_forward = Residual(d_model, dropout, pre_norm)

    def forward(
        self,
        x_BTD: Tensor,
        memory_BSD: Tensor,
        mask: Tensor | None,
        source_mask: Tensor | None,
        cache: LayerCache | None = None,
    ) -> Tensor:
        def look_back(x_BTD: Tensor) -> Tensor:
            key, value = self.self_attention.keys_and_values(x_BTD, x_BTD)
            if cache is not None:
                key, value = cache.with_past(key, value)
            return self.self_attention.attend(x_BTD, key, value, mask)

        def look_across(x_BTD: Tensor) -> Tensor:
            if cache is None:
                return self.cross_attention(x_BTD, memory_BSD, memory_BSD, source_mask)
            if cache.source is None:  # the source never changes: once is enough
                cache.source = self.cross_attention.keys_and_values(memory_BSD, memory_BSD)
            return self.cross_attention.attend(x_BTD, *cache.source, source_mask)

        x_BTD = self.around_self(x_BTD, look_back)
        x_BTD = self.around_cross(x_BTD, look_across)
        return self.around_feed_forward(x_BTD, self.feed_forward)
