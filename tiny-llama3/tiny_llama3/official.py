"""Llama 3 as Meta publishes it: other names than Hugging Face's, and the rows of two matrices in another order.

Both turn the numbers of a query and a key in pairs. Meta pairs neighbours, 2i with 2i + 1; Hugging Face pairs i with
i + K/2, so that a pair's numbers lie in two halves. Which two numbers form a pair is only a matter of the order of the
rows that compute them. K head size, D hidden size, X rows of all heads.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from tiny_llama3.config_json import field
from tiny_llama3.model import LlamaConfig
from tiny_llama3.problem import Problem
from tiny_llama3.rope import RopeScaling

OUTSIDE = {
    "tok_embeddings": "model.embed_tokens",
    "norm": "model.norm",
    "output": "lm_head",
}
INSIDE = {
    "attention_norm": "input_layernorm",
    "attention.wq": "self_attn.q_proj",
    "attention.wk": "self_attn.k_proj",
    "attention.wv": "self_attn.v_proj",
    "attention.wo": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "feed_forward.w1": "mlp.gate_proj",
    "feed_forward.w3": "mlp.up_proj",
    "feed_forward.w2": "mlp.down_proj",
}
ROTATED = ("q_proj.weight", "k_proj.weight")
PARAMS = {"dim", "n_layers", "n_heads", "n_kv_heads", "vocab_size", "multiple_of", "ffn_dim_multiplier", "norm_eps",
          "rope_theta", "use_scaled_rope", "rope_scaling_factor", "max_seq_len", "max_batch_size"}  # fmt: skip


def to_official(weights: Mapping[str, Tensor], config: LlamaConfig) -> dict[str, Tensor]:
    """A model's state_dict under Meta's names."""
    outside = {ours: theirs for theirs, ours in OUTSIDE.items()}
    inside = {ours: theirs for theirs, ours in INSIDE.items()}
    return {
        _renamed(name, "model.layers.", inside, "layers.", outside): (
            _neighbours(tensor, config.head_size) if name.endswith(ROTATED) else tensor
        )
        for name, tensor in weights.items()
    }


def from_official(weights: Mapping[str, Tensor], config: LlamaConfig) -> dict[str, Tensor]:
    """Weights with Meta's names as a state_dict."""
    found = {our_name(name): tensor for name, tensor in weights.items()}
    return {
        name: _halves(tensor, config.head_size) if name.endswith(ROTATED) else tensor for name, tensor in found.items()
    }


def our_name(name: str) -> str:
    """The name here of what Meta calls so. Raises Problem if it is no part of a Llama."""
    return _renamed(name, "layers.", INSIDE, "model.layers.", OUTSIDE)


def _renamed(name: str, prefix: str, inside: Mapping[str, str], new_prefix: str, outside: Mapping[str, str]) -> str:
    part = name.removesuffix(".weight")
    number, _, within = part.removeprefix(prefix).partition(".")
    if name == f"{part}.weight" and part in outside:
        return f"{outside[part]}.weight"
    if name == f"{prefix}{number}.{within}.weight" and number.isdecimal() and within in inside:
        return f"{new_prefix}{number}.{inside[within]}.weight"
    raise Problem(f"the weight {name!r} belongs to no part of this model; is it a Llama?")


def _halves(weight_XD: Tensor, head_size: int) -> Tensor:
    """The rows of each head: first those of even numbers, then those of odd ones."""
    return weight_XD.unflatten(0, (-1, head_size // 2, 2)).transpose(1, 2).reshape(weight_XD.shape)


def _neighbours(weight_XD: Tensor, head_size: int) -> Tensor:
    """The other way round: the two halves, one row of each in turn."""
    return weight_XD.unflatten(0, (-1, 2, head_size // 2)).transpose(1, 2).reshape(weight_XD.shape)


def config_from_params(content: Mapping[str, Any]) -> LlamaConfig:
    """The configuration by Meta's params.json."""
    if unknown := sorted(content.keys() - PARAMS):
        raise Problem(f"{unknown[0]} is no setting of Llama 3; use a model of that family")
    dim = field(content, "dim", int)
    # SwiGLU has three matrices instead of two, so two thirds of the usual 4 * dim; then rounded up
    inner = int(int(8 * dim / 3) * field(content, "ffn_dim_multiplier", float, 1.0))
    multiple = field(content, "multiple_of", int, 256)
    if multiple < 1:
        raise Problem(f"multiple_of must be 1 or more (got {multiple}); copy the file again")
    scaling = None
    if field(content, "use_scaled_rope", bool, False):
        # The file of Llama 3.2, whose models are the smaller ones, doesn't say that its factor is 32.
        scaling = RopeScaling(field(content, "rope_scaling_factor", float, 8.0 if dim >= 4096 else 32.0))
    return LlamaConfig(
        vocab_size=field(content, "vocab_size", int),
        hidden_size=dim,
        intermediate_size=-(-inner // multiple) * multiple,
        num_hidden_layers=field(content, "n_layers", int),
        num_attention_heads=field(content, "n_heads", int),
        num_key_value_heads=field(content, "n_kv_heads", int, None),
        max_position_embeddings=field(content, "max_seq_len", int, 131_072 if scaling else 8192),
        rms_norm_eps=field(content, "norm_eps", float, 1e-5),
        rope_theta=field(content, "rope_theta", float, 10_000.0),
        rope_scaling=scaling,
    )
