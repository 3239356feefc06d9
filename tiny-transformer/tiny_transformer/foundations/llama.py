"""From GPT-2 to Llama (Touvron et al. 2023, arXiv:2302.13971; arXiv:2307.09288) in four changes, each a switch.

1. RMSNorm (Zhang & Sennrich 2019, arXiv:1910.07467): divide by the root mean square; no mean, no biases anywhere.
2. RoPE (Su et al. 2021, arXiv:2104.09864): turn queries and keys by their position instead of adding a learned vector.
3. SwiGLU (Shazeer 2020, arXiv:2002.05202): a gate beside the hidden layer, at two thirds of its width.
4. Grouped queries (Ainslie et al. 2023, arXiv:2305.13245): several query heads share one head of keys and values.

With no switch on, this is gpt.py's model; with all, Llama's. Modules bear the names of Llama's checkpoints.

Shapes: B items, T positions, H query heads, G key/value heads, K head size (even), D width, F feed-forward width.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from .attention import causal_attention, join_heads, split_heads
from .gpt import initialise


@dataclass(frozen=True)
class LlamaConfig:
    """`n_kv_heads` None means as many as query heads. `d_ff` is the width of GELU's layer; SwiGLU takes two thirds."""

    vocab_size: int
    n_positions: int
    d_model: int = 64
    n_layers: int = 4
    n_heads: int = 4
    d_ff: int = 256
    rms_norm: bool = True
    rope: bool = True
    swiglu: bool = True
    n_kv_heads: int | None = None
    dropout: float = 0.0
    eps: float = 1e-5
    theta: float = 10_000.0

    def __post_init__(self) -> None:
        for name in ("vocab_size", "n_positions", "d_model", "n_layers", "n_heads", "d_ff", "kv_heads", "eps", "theta"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive (got {getattr(self, name)})")
        if self.d_model % self.n_heads:
            raise ValueError(f"n_heads must divide d_model (got {self.n_heads}, {self.d_model})")
        if self.n_heads % self.kv_heads:
            raise ValueError(f"n_kv_heads must divide n_heads (got {self.kv_heads}, {self.n_heads})")
        if self.rope and (self.d_model // self.n_heads) % 2:
            raise ValueError(
                f"RoPE pairs dimensions: d_model / n_heads must be even (got {self.d_model // self.n_heads})"
            )
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1) (got {self.dropout})")

    @property
    def kv_heads(self) -> int:
        return self.n_heads if self.n_kv_heads is None else self.n_kv_heads

    @property
    def hidden_size(self) -> int:
        """F: three matrices of 2/3 the width have the parameters of two of the full one."""
        return max(1, round(self.d_ff * 2 / 3)) if self.swiglu else self.d_ff


def rotate(x_BHTK: torch.Tensor, theta: float) -> torch.Tensor:
    """Turn the pair (x[i], x[i + K/2]) at position t by t · theta^(−2i/K): scores then depend on distances only."""
    t, head_size = x_BHTK.shape[-2:]
    frequency_K2 = theta ** (-torch.arange(0, head_size, 2, device=x_BHTK.device) / head_size)
    angle_TK2 = torch.arange(t, device=x_BHTK.device)[:, None] * frequency_K2
    first, second = x_BHTK.chunk(2, dim=-1)
    cos, sin = angle_TK2.cos(), angle_TK2.sin()
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)


def norm(config: LlamaConfig) -> nn.Module:
    kind = nn.RMSNorm if config.rms_norm else nn.LayerNorm
    return kind(config.d_model, eps=config.eps)


class Attention(nn.Module):
    def __init__(self, config: LlamaConfig):
        super().__init__()
        self.config = config
        head_size, bias = config.d_model // config.n_heads, not config.rms_norm
        self.q_proj = nn.Linear(config.d_model, config.d_model, bias=bias)
        self.k_proj = nn.Linear(config.d_model, config.kv_heads * head_size, bias=bias)
        self.v_proj = nn.Linear(config.d_model, config.kv_heads * head_size, bias=bias)
        self.o_proj = nn.Linear(config.d_model, config.d_model, bias=bias)

    def forward(self, x_BTD: torch.Tensor) -> torch.Tensor:
        config = self.config
        q_BHTK = split_heads(self.q_proj(x_BTD), config.n_heads)
        k_BGTK = split_heads(self.k_proj(x_BTD), config.kv_heads)
        v_BGTK = split_heads(self.v_proj(x_BTD), config.kv_heads)
        if config.rope:
            q_BHTK, k_BGTK = rotate(q_BHTK, config.theta), rotate(k_BGTK, config.theta)
        if config.kv_heads < config.n_heads:  # query heads 0 … H/G − 1 look at key head 0, and so on
            k_BGTK, v_BGTK = (x.repeat_interleave(config.n_heads // config.kv_heads, 1) for x in (k_BGTK, v_BGTK))
        return self.o_proj(join_heads(causal_attention(q_BHTK, k_BGTK, v_BGTK)))


class FeedForward(nn.Module):
    def __init__(self, config: LlamaConfig):
        super().__init__()
        bias = not config.rms_norm
        self.up_proj = nn.Linear(config.d_model, config.hidden_size, bias=bias)
        self.gate_proj = nn.Linear(config.d_model, config.hidden_size, bias=bias) if config.swiglu else None
        self.down_proj = nn.Linear(config.hidden_size, config.d_model, bias=bias)

    def forward(self, x_BTD: torch.Tensor) -> torch.Tensor:
        up_BTF = self.up_proj(x_BTD)
        if self.gate_proj is None:
            return self.down_proj(F.gelu(up_BTF, approximate="tanh"))
        return self.down_proj(F.silu(self.gate_proj(x_BTD)) * up_BTF)


class Layer(nn.Module):
    def __init__(self, config: LlamaConfig):
        super().__init__()
        self.input_layernorm = norm(config)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = norm(config)
        self.mlp = FeedForward(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x_BTD: torch.Tensor) -> torch.Tensor:
        x_BTD = x_BTD + self.dropout(self.self_attn(self.input_layernorm(x_BTD)))
        return x_BTD + self.dropout(self.mlp(self.post_attention_layernorm(x_BTD)))


class Llama(nn.Module):
    """Forward turns ids (B, T) into logits (B, T, V). The head is tied, as in GPT-2 and in Llama 3.2's small models."""

    def __init__(self, config: LlamaConfig):
        super().__init__()
        self.config = config
        self.embed_tokens = nn.Embedding(config.vocab_size, config.d_model)
        self.position = None if config.rope else nn.Embedding(config.n_positions, config.d_model)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.n_layers))
        self.norm = norm(config)
        initialise(self, config.d_model, 2 * config.n_layers)

    def forward(self, ids_BT: torch.Tensor) -> torch.Tensor:
        t = ids_BT.shape[1]
        if t > self.config.n_positions:
            raise ValueError(f"the model has {self.config.n_positions} positions (got {t} tokens); give fewer")
        x_BTD = self.embed_tokens(ids_BT)
        if self.position is not None:
            x_BTD = x_BTD + self.position.weight[:t]
        x_BTD = self.dropout(x_BTD)
        for layer in self.layers:
            x_BTD = layer(x_BTD)
        return self.norm(x_BTD) @ self.embed_tokens.weight.T
