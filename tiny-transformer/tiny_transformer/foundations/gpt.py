"""GPT-2 (Radford et al. 2019): attention and hidden layers, stacked.

Against the single block of attention.py: many blocks, each adding to what came before (residuals), a norm before each
part so that a deep stack trains, GELU, and one matrix for reading characters in and out. Modules bear the names of the
official checkpoint.

Shapes: B items, T positions, D width (n_embd), F feed-forward width (4 D), V vocabulary.
"""

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from .attention import causal_attention, join_heads, split_heads


@dataclass(frozen=True)
class GPTConfig:
    """Field names as in GPT-2's config.json; the defaults are its smallest model."""

    vocab_size: int = 50_257
    n_positions: int = 1_024
    n_embd: int = 768
    n_layer: int = 12
    n_head: int = 12
    layer_norm_epsilon: float = 1e-5
    dropout: float = 0.0

    def __post_init__(self) -> None:
        for name in ("vocab_size", "n_positions", "n_embd", "n_layer", "n_head", "layer_norm_epsilon"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive (got {getattr(self, name)})")
        if self.n_embd % self.n_head:
            raise ValueError(f"n_head must divide n_embd (got {self.n_head}, {self.n_embd})")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1) (got {self.dropout})")


class Attention(nn.Module):
    def __init__(self, config: GPTConfig):
        super().__init__()
        self.n_head = config.n_head
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd)  # query, key, value in one product
        self.c_proj = nn.Linear(config.n_embd, config.n_embd)

    def forward(self, x_BTD: torch.Tensor) -> torch.Tensor:
        q, k, v = (split_heads(part, self.n_head) for part in self.c_attn(x_BTD).chunk(3, dim=-1))
        return self.c_proj(join_heads(causal_attention(q, k, v)))


class FeedForward(nn.Module):
    def __init__(self, config: GPTConfig):
        super().__init__()
        self.c_fc = nn.Linear(config.n_embd, 4 * config.n_embd)
        self.c_proj = nn.Linear(4 * config.n_embd, config.n_embd)

    def forward(self, x_BTD: torch.Tensor) -> torch.Tensor:
        return self.c_proj(F.gelu(self.c_fc(x_BTD), approximate="tanh"))  # GPT-2 was trained with the approximation


class Block(nn.Module):
    def __init__(self, config: GPTConfig):
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.attn = Attention(config)
        self.ln_2 = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.mlp = FeedForward(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x_BTD: torch.Tensor) -> torch.Tensor:
        x_BTD = x_BTD + self.dropout(self.attn(self.ln_1(x_BTD)))
        return x_BTD + self.dropout(self.mlp(self.ln_2(x_BTD)))


class GPT(nn.Module):
    """Forward turns ids (B, T), T at most n_positions, into logits (B, T, V)."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.config = config
        self.wte = nn.Embedding(config.vocab_size, config.n_embd)
        self.wpe = nn.Embedding(config.n_positions, config.n_embd)
        self.dropout = nn.Dropout(config.dropout)
        self.h = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.ln_f = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        initialise(self, config.n_embd, 2 * config.n_layer)

    def forward(self, ids_BT: torch.Tensor) -> torch.Tensor:
        t = ids_BT.shape[1]
        if t > self.config.n_positions:
            raise ValueError(f"the model has {self.config.n_positions} positions (got {t} tokens); give fewer")
        x_BTD = self.dropout(self.wte(ids_BT) + self.wpe.weight[:t])
        for block in self.h:
            x_BTD = block(x_BTD)
        return self.ln_f(x_BTD) @ self.wte.weight.T  # the head is tied: a token is read out by what it's read in as


def initialise(model: nn.Module, d_model: int, n_residuals: int) -> None:
    """GPT-2's start: small matrices, no biases; what adds to the residual smaller still, so that its variance holds.

    GPT-2's 0.02 is for a width of 768. Kept at a width of 64 it made the ladder's model start slowly (2.08 instead of
    2.01 nats after 2,000 steps), so here it grows as the width shrinks.
    """
    std = 0.02 * math.sqrt(768 / d_model)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        elif parameter.ndim >= 2:
            into_residual = name.endswith(("c_proj.weight", "o_proj.weight", "down_proj.weight"))
            nn.init.normal_(parameter, std=std / math.sqrt(n_residuals) if into_residual else std)


@torch.no_grad()
def generate(
    model: nn.Module,
    ids_BT: torch.Tensor,
    n_new: int,
    n_positions: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    generator: torch.Generator | None = None,
    stop: int | None = None,
) -> torch.Tensor:
    """Ids with at most `n_new` more: temperature 0 takes the likeliest, else a draw from the `top_k` likeliest.

    Ends early once every row has drawn `stop`. What lies further back than the model's positions is forgotten.
    """
    if temperature < 0 or (top_k is not None and top_k < 1) or ids_BT.shape[1] < 1:
        raise ValueError(
            f"temperature must not be negative, top_k at least 1 and the prompt not empty "
            f"(got {temperature}, {top_k}, {ids_BT.shape[1]} tokens)"
        )
    model.eval()
    stopped_B = torch.zeros(len(ids_BT), dtype=torch.bool, device=ids_BT.device)
    for _ in range(n_new):
        logits_BV = model(ids_BT[:, -n_positions:])[:, -1]
        if temperature == 0:
            next_B1 = logits_BV.argmax(-1, keepdim=True)
        else:
            if top_k is not None and top_k < logits_BV.shape[-1]:
                least_B1 = logits_BV.topk(top_k).values[:, -1:]
                logits_BV = logits_BV.masked_fill(logits_BV < least_B1, -math.inf)
            next_B1 = torch.multinomial((logits_BV / temperature).softmax(-1), 1, generator=generator)
        ids_BT = torch.cat([ids_BT, next_B1], dim=1)
        if stop is not None:
            stopped_B |= next_B1[:, 0] == stop
            if stopped_B.all():
                break
    return ids_BT
