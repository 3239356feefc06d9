"""config.json, the file by which Hugging Face's `transformers` knows a model, read and written.

The settings of the rotary embedding have two spellings. Version 4 of `transformers` has `rope_theta`, and beside it
`rope_scaling` where there is one; version 5 has both in `rope_parameters`. Here, either is read and both are written.
"""

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import torch

from tiny_llama3.model import LlamaConfig
from tiny_llama3.problem import Problem
from tiny_llama3.rope import RopeScaling
from tiny_llama3.tokenizer_json import mapping

FAMILIES = ("llama", "qwen2", "qwen3")
REQUIRED = object()
Content = Mapping[str, Any]


def to_json(config: LlamaConfig, dtype: torch.dtype) -> dict[str, Any]:
    """The content of a config.json; `dtype` is that of the weights."""
    plain = {field.name: getattr(config, field.name) for field in fields(config)}
    theta = float(plain.pop("rope_theta"))
    bias, norm = plain.pop("qkv_bias"), plain.pop("qk_norm")
    family = "qwen3" if norm else "qwen2" if bias else "llama"
    plain["eos_token_id"] = _listed(config.eos_token_id)
    scaling: dict[str, Any] | None = None
    if config.rope_scaling is not None:
        s = config.rope_scaling
        scaling = {
            "rope_type": "llama3",
            "factor": float(s.factor),  # version 4 warns of a whole number
            "low_freq_factor": float(s.low_freq_factor),
            "high_freq_factor": float(s.high_freq_factor),
            "original_max_position_embeddings": s.original_max_position_embeddings,
        }
    name = str(dtype).removeprefix("torch.")
    return {
        "architectures": [f"{family.capitalize()}ForCausalLM"],
        "model_type": family,
        "hidden_act": "silu",
        **({} if family == "qwen2" else {"attention_bias": False}),
        **({"mlp_bias": False} if family == "llama" else {"use_sliding_window": False}),
        **plain,
        "rope_parameters": {**(scaling or {"rope_type": "default"}), "rope_theta": theta},
        "rope_theta": theta,
        "rope_scaling": scaling,
        "dtype": name,
        "torch_dtype": name,
    }


def generation_json(config: LlamaConfig) -> dict[str, Any]:
    """The content of a generation_config.json: with which token a text begins and ends, and what fills a row."""
    ids = {"bos_token_id": config.bos_token_id, "eos_token_id": _listed(config.eos_token_id),
           "pad_token_id": config.pad_token_id}  # fmt: skip
    return {name: id for name, id in ids.items() if id is not None}


def from_json(content: Content) -> LlamaConfig:
    """Raises Problem for a model that is neither a Llama nor a dense Qwen, and for what these may have and ours not."""
    family = content.get("model_type")
    if family not in FAMILIES:
        raise Problem(f"model_type is {family!r}, only {', '.join(map(repr, FAMILIES))} can be read; "
                      "use a model of one of these families")  # fmt: skip
    unlike = {"hidden_act": "silu", "mlp_bias": False, "use_sliding_window": False}
    if family != "qwen2":  # its bias is on q, k and v, whatever the file says
        unlike["attention_bias"] = False
    for name, ours in unlike.items():
        if (found := content.get(name, ours)) != ours:
            raise Problem(f"{name} is {found!r}, only {ours!r} can be read; use a model of the family that has it")
    theta, scaling = _rope(content)
    return LlamaConfig(
        **{name: field(content, name, int) for name in
           ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")},
        num_key_value_heads=field(content, "num_key_value_heads", int, None),
        head_dim=field(content, "head_dim", int, 128 if family == "qwen3" else None),
        max_position_embeddings=field(content, "max_position_embeddings", int, 2048 if family == "llama" else 32_768),
        rms_norm_eps=field(content, "rms_norm_eps", float, 1e-6),
        rope_theta=theta,
        rope_scaling=scaling,
        tie_word_embeddings=field(content, "tie_word_embeddings", bool, False),
        bos_token_id=field(content, "bos_token_id", int, None),
        eos_token_id=_eos(content),
        pad_token_id=field(content, "pad_token_id", int, None),
        qkv_bias=family == "qwen2",
        qk_norm=family == "qwen3",
    )  # fmt: skip


def field(content: Content, name: str, kind: type, default: Any = REQUIRED) -> Any:
    """The value, if it is of that kind; numbers that aren't whole must be above 0. null is as good as absent."""
    value: Any = content.get(name)
    if value is None:
        if default is REQUIRED:
            raise Problem(f"{name} is missing; copy the file again")
        return default
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind or (isinstance(value, float) and not 0 < value < math.inf):
        wanted = {int: "a whole number", float: "a number above 0", bool: "true or false"}[kind]
        raise Problem(f"{name} should be {wanted} and is {str(value)[:40]!r}; copy the file again")
    return value


def _rope(content: Content) -> tuple[float, RopeScaling | None]:
    new = mapping(content.get("rope_parameters") or {}, "rope_parameters")
    old = mapping(content.get("rope_scaling") or {}, "rope_scaling")
    thetas = {field(place, "rope_theta", float, None) for place in (new, old, content)} - {None}
    scalings = {_scaling(place) for place in (new, old) if place}
    if len(thetas) > 1 or len(scalings) > 1:
        raise Problem("rope_parameters says another thing than rope_theta and rope_scaling; remove the wrong one")
    return thetas.pop() if thetas else 10_000.0, scalings.pop() if scalings else None


def _scaling(rope: Content) -> RopeScaling | None:
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind not in ("default", "llama3"):
        raise Problem(f"the rotary embedding is of type {kind!r}, only 'default' and 'llama3' can be read; "
                      "use another model")  # fmt: skip
    if field(rope, "partial_rotary_factor", float, 1.0) != 1:
        raise Problem(f"only a part of each head is rotated (partial_rotary_factor {rope['partial_rotary_factor']}), "
                      "which can't be read; use another model")  # fmt: skip
    if kind == "default":
        return None
    return RopeScaling(
        field(rope, "factor", float),
        field(rope, "low_freq_factor", float),
        field(rope, "high_freq_factor", float),
        field(rope, "original_max_position_embeddings", int),
    )


def _eos(content: Content) -> int | tuple[int, ...] | None:
    ids = content.get("eos_token_id")
    if not isinstance(ids, list):
        return field(content, "eos_token_id", int, None)
    return tuple(field({"eos_token_id": id}, "eos_token_id", int) for id in ids) or None


def _listed(ids: int | tuple[int, ...] | None) -> int | list[int] | None:
    return list(ids) if isinstance(ids, tuple) else ids
