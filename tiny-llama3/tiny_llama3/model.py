"""Llama 3 on one page (Grattafiori et al. 2024, arXiv:2407.21783).

Parameters have the names of the Hugging Face checkpoints: `model.layers.0.self_attn.q_proj.weight` here is that tensor
there. Shapes: B batch, T positions, S positions attended to, V vocabulary, D hidden size, F feed-forward size, H query
heads, G key/value heads, K head size.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from tiny_llama3.attention import Attend, attend_fused
from tiny_llama3.cache import KVCache
from tiny_llama3.problem import Problem
from tiny_llama3.rope import RopeScaling, pair_frequencies, rotate, rotation_table


@dataclass(frozen=True)
class LlamaConfig:
    """The shape of a model; the names are those of config.json."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int | None = None  # None: one for every query head
    head_dim: int | None = None  # None: hidden_size / num_attention_heads
    max_position_embeddings: int = 2048
    rms_norm_eps: float = 1e-5
    rope_theta: float = 500_000.0
    rope_scaling: RopeScaling | None = None
    tie_word_embeddings: bool = False
    bos_token_id: int | None = None
    eos_token_id: int | tuple[int, ...] | None = None
    pad_token_id: int | None = None
    qkv_bias: bool = False  # as a Qwen2 has it
    qk_norm: bool = False  # as a Qwen3 has it: each head's query and key are normalised

    def __post_init__(self) -> None:
        sizes = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
                 "max_position_embeddings")  # fmt: skip
        for name in sizes:
            if getattr(self, name) < 1:
                raise Problem(f"{name} must be 1 or more (got {getattr(self, name)}); change it")
        if self.num_key_value_heads is None:
            object.__setattr__(self, "num_key_value_heads", self.num_attention_heads)
        if self.key_value_heads < 1 or self.num_attention_heads % self.key_value_heads:
            raise Problem(
                "num_key_value_heads must divide num_attention_heads "
                f"(got {self.num_key_value_heads}, {self.num_attention_heads}); change one of them"
            )
        if self.head_dim is None:
            if self.hidden_size % self.num_attention_heads:
                raise Problem(
                    f"num_attention_heads must divide hidden_size (got {self.num_attention_heads}, "
                    f"{self.hidden_size}); change one of them, or set head_dim"
                )
            object.__setattr__(self, "head_dim", self.hidden_size // self.num_attention_heads)
        if self.head_size < 2 or self.head_size % 2:
            raise Problem(f"head_dim must be even to form the pairs that RoPE turns (got {self.head_dim}); change it")

    @property
    def head_size(self) -> int:
        return self.head_dim or 0

    @property
    def key_value_heads(self) -> int:
        return self.num_key_value_heads or 0


class RMSNorm(nn.Module):
    """x / sqrt(mean(x²) + eps) * weight, over the last dimension (Zhang & Sennrich 2019, arXiv:1910.07467)."""

    def __init__(self, size: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()  # squares of 16-bit numbers would lose too much
        return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)).to(x.dtype) * self.weight


class Attention(nn.Module):
    """Each query head looks at the positions up to its own; H/G query heads share one head of keys and values."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        d, k = config.hidden_size, config.head_size
        self.head_size = k
        self.attend: Attend = attend_fused  # or `attend`, which gives the same
        self.q_proj = nn.Linear(d, config.num_attention_heads * k, bias=config.qkv_bias)
        self.k_proj = nn.Linear(d, config.key_value_heads * k, bias=config.qkv_bias)
        self.v_proj = nn.Linear(d, config.key_value_heads * k, bias=config.qkv_bias)
        self.q_norm = RMSNorm(k, config.rms_norm_eps) if config.qk_norm else nn.Identity()
        self.k_norm = RMSNorm(k, config.rms_norm_eps) if config.qk_norm else nn.Identity()
        self.o_proj = nn.Linear(config.num_attention_heads * k, d, bias=False)

    def forward(
        self, x_BTD: Tensor, cos_TK: Tensor, sin_TK: Tensor, mask_B1TS: Tensor | None, cache: KVCache | None, layer: int
    ) -> Tensor:
        query_BHTK = self.q_norm(self._heads(self.q_proj(x_BTD)))
        key_BGTK = self.k_norm(self._heads(self.k_proj(x_BTD)))
        value_BGSK = self._heads(self.v_proj(x_BTD))
        query_BHTK, key_BGSK = rotate(query_BHTK, cos_TK, sin_TK), rotate(key_BGTK, cos_TK, sin_TK)
        if cache is not None:
            key_BGSK, value_BGSK = cache.add(layer, key_BGSK, value_BGSK)
        mixed_BHTK = self.attend(query_BHTK, key_BGSK, value_BGSK, mask_B1TS)
        return self.o_proj(mixed_BHTK.transpose(1, 2).flatten(2))

    def _heads(self, x_BTX: Tensor) -> Tensor:
        return x_BTX.unflatten(-1, (-1, self.head_size)).transpose(1, 2)


class FeedForward(nn.Module):
    """SwiGLU (Shazeer 2020, arXiv:2002.05202): silu(gate) decides how much of each of F features goes through."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, x_BTD: Tensor) -> Tensor:
        return self.down_proj(functional.silu(self.gate_proj(x_BTD)) * self.up_proj(x_BTD))


class Block(nn.Module):
    """One layer: attention and feed-forward, each on a normalised copy, each added to the stream that runs through."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.mlp = FeedForward(config)

    def forward(
        self, x_BTD: Tensor, cos_TK: Tensor, sin_TK: Tensor, mask_B1TS: Tensor | None, cache: KVCache | None, layer: int
    ) -> Tensor:
        x_BTD = x_BTD + self.self_attn(self.input_layernorm(x_BTD), cos_TK, sin_TK, mask_B1TS, cache, layer)
        return x_BTD + self.mlp(self.post_attention_layernorm(x_BTD))


class Decoder(nn.Module):
    """Embedding, layers, last normalisation: everything but the output layer."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Block(config) for _ in range(config.num_hidden_layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)


class Llama(nn.Module):
    """`model(ids)` gives the logits of the token that comes after each position."""

    frequency_P: Tensor

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.config = config
        self.model = Decoder(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        if config.tie_word_embeddings:
            self.lm_head.weight = self.model.embed_tokens.weight
        frequency_P = pair_frequencies(config.head_size, config.rope_theta, config.rope_scaling)
        self.register_buffer("frequency_P", frequency_P, persistent=False)
        self.checkpoint_activations = False  # recompute each layer in the backward pass instead of keeping it
        self._initialise()

    def _initialise(self) -> None:
        """Normal with 0.02; what is added to the stream smaller, since 2 * layers such terms add up (as in GPT-2)."""
        smaller = 0.02 / (2 * self.config.num_hidden_layers) ** 0.5
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                nn.init.normal_(
                    parameter, std=smaller if name.endswith(("o_proj.weight", "down_proj.weight")) else 0.02
                )

    def attend_with(self, attend: Attend) -> None:
        """Compute attention with another function of the same result, in every layer."""
        for module in self.modules():
            if isinstance(module, Attention):
                module.attend = attend

    def forward(self, ids_BT: Tensor, documents_BT: Tensor | None = None, cache: KVCache | None = None) -> Tensor:
        """Logits (B, T, V). `documents_BT`: see `hidden`. With a cache, `ids_BT` are only the new positions."""
        return self.lm_head(self.hidden(ids_BT, documents_BT, cache))

    def hidden(self, ids_BT: Tensor, documents_BT: Tensor | None = None, cache: KVCache | None = None) -> Tensor:
        """What the output layer sees: (B, T, D).

        A position attends to those up to its own that have its number in `documents_BT`, so documents packed into one
        row don't see each other; padding is one more document. None: each row is one document.
        """
        return self.through_layers(self.model.embed_tokens(ids_BT), documents_BT, cache)

    def through_layers(self, x_BTD: Tensor, documents_BT: Tensor | None, cache: KVCache | None = None) -> Tensor:
        """The same from the embedded tokens on."""
        longest = (cache.length if cache else 0) + x_BTD.shape[1]
        if longest > self.config.max_position_embeddings:
            raise Problem(f"{longest} positions are more than the model's {self.config.max_position_embeddings}; "
                          "shorten the text")  # fmt: skip
        mask_B1TS, start = self._mask(x_BTD, documents_BT, cache)
        cos_TK, sin_TK = (table[start:].to(x_BTD.dtype) for table in rotation_table(longest, self.frequency_P))
        for number, block in enumerate(self.model.layers):
            if self.checkpoint_activations and torch.is_grad_enabled():
                x_BTD = checkpoint(block, x_BTD, cos_TK, sin_TK, mask_B1TS, cache, number, use_reentrant=False)
            else:
                x_BTD = block(x_BTD, cos_TK, sin_TK, mask_B1TS, cache, number)
        return self.model.norm(x_BTD)

    def _mask(self, x_BTD: Tensor, documents_BT: Tensor | None, cache: KVCache | None) -> tuple[Tensor | None, int]:
        """Who may look at whom, (B, 1, T, S), or None for plain causal attention; and the first position's number."""
        if cache is None:
            if documents_BT is None:
                return None, 0
            start, documents_BS = 0, documents_BT
        else:
            if documents_BT is None:
                documents_BT = torch.zeros(x_BTD.shape[:2], dtype=torch.long, device=x_BTD.device)
            start = cache.grow(documents_BT)
            documents_BS = cache.documents_BS[:, : cache.length]
        seen_BTS = documents_BT[:, :, None] == documents_BS[:, None, :]
        return (seen_BTS.tril(start) if seen_BTS.shape[1] > 1 else seen_BTS)[:, None], start
