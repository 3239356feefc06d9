"""What a model costs, from its configuration alone: parameters, arithmetic for a token, memory for the cache.

Units: parameters are counted, memory is in bytes, arithmetic in FLOPs (a multiplication and an addition are two).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from qwen_blog.config import QwenConfig
from qwen_blog.model import Qwen
from qwen_blog.weight_files import NoNumbers

BYTES = {"float32": 4, "bfloat16": 2}
CONTEXTS = (1024, 4096, 16_384, 32_768, 131_072)


@dataclass(frozen=True)
class Group:
    """Weights that play the same part in every layer."""

    name: str  # "layers.*.self_attn.q_proj"
    tensors: int
    parameters: int
    active: int  # parameters that one token is multiplied with: of the experts, only those that are chosen


def groups(config: QwenConfig) -> list[Group]:
    """Every parameter once, in the order of the model. A tied output matrix is the embedding and costs nothing."""
    with torch.device("meta"), NoNumbers():
        model = Qwen(config)
    found: dict[str, list[tuple[int, int]]] = {}
    for name, parameter in model.named_parameters():
        place = name.removeprefix("model.").rpartition(".")[0]
        key = re.sub(r"\.\d+", ".*", place)
        used = parameter.numel()
        if ".experts." in name:  # the average: each is chosen as often as the others
            used = used * config.num_experts_per_tok // config.num_experts
        if key == "embed_tokens":  # one row is read, nothing multiplied; if tied, it is the output matrix as well
            used = parameter.numel() if config.tie_word_embeddings else 0
        found.setdefault(key, []).append((parameter.numel(), used))
    return [Group(key, len(sizes), sum(count for count, _ in sizes), sum(used for _, used in sizes))
            for key, sizes in found.items()]  # fmt: skip


def flops_per_token(config: QwenConfig, context: int) -> int:
    """One token forward, with `context` positions in view: two for each weight, and the attention's products."""
    weights = 2 * sum(group.active for group in groups(config))
    seen = sum(min(context, config.window(layer) or context) for layer in range(config.num_hidden_layers))
    return weights + 4 * config.num_attention_heads * config.head_size * seen  # q · k, and weights · v


def cache_bytes(config: QwenConfig, context: int, dtype: str, grouped: bool = True) -> int:
    """Keys and values of all layers. `grouped=False`: if every query head had its own, as before GQA."""
    heads = config.groups if grouped else config.num_attention_heads
    return 2 * config.num_hidden_layers * heads * config.head_size * context * BYTES[dtype]


def cache_table(config: QwenConfig, contexts: Sequence[int] = CONTEXTS) -> list[dict[str, object]]:
    """Bytes by context length and type, with and without GQA."""
    return [{"context": context, "dtype": dtype, "bytes": cache_bytes(config, context, dtype),
             "without_gqa": cache_bytes(config, context, dtype, grouped=False)}
            for dtype in BYTES for context in contexts]  # fmt: skip
