"""Qwen on one page: embedding, layers of attention and MLP, norm, logits (Qwen2: arXiv:2407.10671).

Parameters have the names of the official checkpoints: `model.layers.0.self_attn.q_proj.weight` here is that tensor
there. Shapes: B batch, T positions, S positions so far, V vocabulary, D hidden size.
"""

import torch
from torch import Tensor, nn

from qwen_blog.attention import Attend, Attention
from qwen_blog.cache import KVCache
from qwen_blog.config import QwenConfig
from qwen_blog.experts import SparseMLP
from qwen_blog.linear import Linear
from qwen_blog.masks import mask, needs_mask
from qwen_blog.mlp import MLP
from qwen_blog.problem import Problem
from qwen_blog.qwen3 import Qwen3Attention
from qwen_blog.rmsnorm import RMSNorm
from qwen_blog.rope import pair_frequencies, rotation, stretch


class Layer(nn.Module):
    """Attention and MLP, each on a normalised copy, each added to the stream that runs through."""

    def __init__(self, config: QwenConfig, index: int) -> None:
        super().__init__()
        d = config.hidden_size
        self.index = index
        self.self_attn = Qwen3Attention(config) if config.qk_norm else Attention(config)
        self.mlp = SparseMLP(config) if config.sparse(index) else MLP(d, config.intermediate_size)
        self.input_layernorm = RMSNorm(d, config.rms_norm_eps)
        self.post_attention_layernorm = RMSNorm(d, config.rms_norm_eps)

    def forward(self, x_BTD: Tensor, turn: tuple[Tensor, Tensor], mask_B1TS: Tensor | None,
                cache: KVCache | None) -> Tensor:  # fmt: skip
        normed_BTD = self.input_layernorm(x_BTD)
        attended_BTD = self.self_attn(normed_BTD, turn, mask_B1TS, cache, self.index)
        middle_BTD = x_BTD + attended_BTD
        normed_again_BTD = self.post_attention_layernorm(middle_BTD)
        thought_BTD = self.mlp(normed_again_BTD)
        out_BTD = middle_BTD + thought_BTD
        return out_BTD


class Body(nn.Module):
    """Everything below the head: ids in, one row of D numbers for each position out."""

    def __init__(self, config: QwenConfig) -> None:
        super().__init__()
        self.config = config
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Layer(config, index) for index in range(config.num_hidden_layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.frequency_P = pair_frequencies(config.head_size, config.rope_theta, config.yarn)

    def forward(self, ids_BT: Tensor, documents_BT: Tensor | None, cache: KVCache | None) -> Tensor:
        batch, new = ids_BT.shape
        start = cache.grow(documents_BT, batch, new) if cache is not None else 0
        documents_BS = cache.documents_BS if cache is not None else documents_BT
        if start + new > self.config.max_position_embeddings:
            raise Problem(f"{start + new} tokens are more than the model's {self.config.max_position_embeddings} "
                          "positions; shorten the text")  # fmt: skip
        x_BTD = self.embed_tokens(ids_BT)
        frequency_P = self.frequency_P.to(x_BTD.device)
        cos_TK, sin_TK = rotation(start, start + new, frequency_P, stretch(self.config.yarn))
        turn = cos_TK.to(x_BTD.dtype), sin_TK.to(x_BTD.dtype)
        masks = self.masks(documents_BS, batch, new, start + new, x_BTD.device)
        for index, layer in enumerate(self.layers):
            x_BTD = layer(x_BTD, turn, masks[self.config.window(index)], cache)
        return self.norm(x_BTD)

    def masks(self, documents_BS: Tensor | None, batch: int, new: int, seen: int,
              device: torch.device) -> dict[int | None, Tensor | None]:  # fmt: skip
        """One mask for every window that occurs."""
        made: dict[int | None, Tensor | None] = {}
        windows: set[int | None] = {self.config.window(index) for index in range(self.config.num_hidden_layers)}
        for window in windows:
            made[window] = None
            if needs_mask(documents_BS, new, seen, window):
                all_one = torch.ones(batch, seen, dtype=torch.long, device=device)
                made[window] = mask(all_one if documents_BS is None else documents_BS.to(device), new, window)
        return made


class Qwen(nn.Module):
    """A language model. Only differences of positions matter to RoPE, so padding on the left may count as positions."""

    def __init__(self, config: QwenConfig) -> None:
        super().__init__()
        self.config = config
        self.model = Body(config)
        self.lm_head = Linear(config.hidden_size, config.vocab_size, bias=False)
        if config.tie_word_embeddings:  # the row that a token came in by is the row that it is recognised by
            self.lm_head.weight = self.model.embed_tokens.weight

    def forward(self, ids: Tensor, attention_mask: Tensor | None = None, *, documents: Tensor | None = None,
                cache: KVCache | None = None, last: bool = False) -> Tensor:  # fmt: skip
        """Logits of the token after each position, (B, T, V); with `last` only after the last one, (B, 1, V).

        `ids` (B, T); `attention_mask` (B, T), or with a cache (B, S): 0 is padding, on either side. `documents` (B, T)
        instead numbers the documents packed into a row from 1 on. Raises Problem for ids outside the vocabulary and
        texts longer than the model's positions.
        """
        documents_BT = documents_of(ids, attention_mask, documents, self.config)
        hidden_BTD = self.model(ids, documents_BT, cache)
        if last:
            hidden_BTD = hidden_BTD[:, -1:]
        logits_BTV = self.lm_head(hidden_BTD)
        return logits_BTV

    def new_cache(self, batch: int, capacity: int) -> KVCache:
        config, weight = self.config, self.lm_head.weight
        device = "cpu" if weight.is_meta else weight.device
        return KVCache(config.num_hidden_layers, batch, config.groups, capacity, config.head_size, weight.dtype, device)


def documents_of(ids: Tensor, attention_mask: Tensor | None, documents: Tensor | None,
                 config: QwenConfig) -> Tensor | None:  # fmt: skip
    """What the body is told: None where every position counts and belongs together."""
    if ids.ndim != 2 or ids.shape[1] == 0:
        raise Problem(f"ids should be (batch, positions) with one position at least, and are {tuple(ids.shape)}")
    if not 0 <= int(ids.min()) <= int(ids.max()) < config.vocab_size:
        raise Problem(f"an id lies outside the model's vocabulary of {config.vocab_size}; "
                      "use the tokenizer that belongs to the model")  # fmt: skip
    if documents is not None:
        return documents
    if attention_mask is None or bool(attention_mask.all()):
        return None
    return attention_mask.long()


def use_attention(model: nn.Module, attend: Attend) -> None:
    """Let every layer attend by this function: `attend` or `attend_fused`."""
    for module in model.modules():
        if isinstance(module, Attention):
            module.attend = attend
