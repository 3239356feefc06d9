"""config.json: every number that shapes a Qwen, read from the official file and written back.

Four families have the same parts in other proportions:

    qwen2      bias on q, k and v                       Qwen2, Qwen2.5
    qwen3      a norm on each query and key instead     Qwen3
    qwen2_moe  qwen2 with experts and a shared expert   Qwen1.5-MoE, Qwen2-57B-A14B
    qwen3_moe  qwen3 with experts                       Qwen3-30B-A3B
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from qwen_blog.problem import Problem

FAMILIES = ("qwen2", "qwen3", "qwen2_moe", "qwen3_moe")
CLASSES = {"qwen2": "Qwen2", "qwen3": "Qwen3", "qwen2_moe": "Qwen2Moe", "qwen3_moe": "Qwen3Moe"}
HEADS = ("ForCausalLM", "ForSequenceClassification", "ForTokenClassification")
MAX_POSITIONS = 32768


@dataclass(frozen=True)
class Yarn:
    """The long-context setting of Qwen2.5 (see rope.py)."""

    factor: float
    original_max_position_embeddings: int
    attention_factor: float | None = None  # None: 0.1 ln(factor) + 1
    beta_fast: float = 32.0
    beta_slow: float = 1.0

    def __post_init__(self) -> None:
        if self.factor < 1:
            raise Problem(f"YaRN's factor must be 1 or more (got {self.factor}); change it")
        if not 0 < self.beta_slow < self.beta_fast:
            raise Problem(f"YaRN needs 0 < beta_slow < beta_fast (got {self.beta_slow}, {self.beta_fast}); change them")


@dataclass(frozen=True)
class QwenConfig:
    """The shape of a model. The names are those of config.json, the defaults its own."""

    model_type: str = "qwen2"
    vocab_size: int = 151_936
    hidden_size: int = 896
    intermediate_size: int = 4864
    num_hidden_layers: int = 24
    num_attention_heads: int = 14
    num_key_value_heads: int | None = None  # None: one for every query head
    head_dim: int | None = None  # None: hidden_size / num_attention_heads
    max_position_embeddings: int = MAX_POSITIONS
    rms_norm_eps: float = 1e-6
    rope_theta: float = 1_000_000.0
    yarn: Yarn | None = None
    attention_bias: bool | None = None  # on q, k and v; None: as the family has it
    tie_word_embeddings: bool = False
    # attention that looks back a limited way, in some layers
    use_sliding_window: bool = False
    sliding_window: int | None = None
    max_window_layers: int = 28
    layer_types: tuple[str, ...] | None = None  # None: from the three above
    # experts
    num_experts: int = 0
    num_experts_per_tok: int = 0
    moe_intermediate_size: int = 0
    shared_expert_intermediate_size: int = 0
    norm_topk_prob: bool = False
    decoder_sparse_step: int = 1
    mlp_only_layers: tuple[int, ...] = ()
    # what ends a text, and what a classifier tells apart
    bos_token_id: int | None = None
    eos_token_id: int | tuple[int, ...] | None = None
    pad_token_id: int | None = None
    num_labels: int = 2
    architecture: str = HEADS[0]

    def __post_init__(self) -> None:
        if self.model_type not in FAMILIES:
            raise Problem(f"model_type is {self.model_type!r}; only {', '.join(FAMILIES)} can be read here")
        if self.architecture not in HEADS:
            raise Problem(f"the architecture ends in {self.architecture!r}; only {', '.join(HEADS)} can be read here")
        for name in ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
                     "max_position_embeddings"):  # fmt: skip
            if getattr(self, name) < 1:
                raise Problem(f"{name} must be 1 or more (got {getattr(self, name)}); change it")
        derive = lambda name, value: object.__setattr__(self, name, value)  # noqa: E731 (the class is frozen)
        if self.num_key_value_heads is None:
            derive("num_key_value_heads", self.num_attention_heads)
        if self.groups < 1 or self.num_attention_heads % self.groups:
            raise Problem("num_key_value_heads must divide num_attention_heads "
                          f"(got {self.groups}, {self.num_attention_heads}); change one of them")  # fmt: skip
        if self.head_dim is None:
            if self.hidden_size % self.num_attention_heads:
                raise Problem(f"num_attention_heads must divide hidden_size (got {self.num_attention_heads}, "
                              f"{self.hidden_size}); change one of them, or set head_dim")  # fmt: skip
            derive("head_dim", self.hidden_size // self.num_attention_heads)
        if self.head_size < 2 or self.head_size % 2:
            raise Problem(f"head_dim must be even to form the pairs that RoPE turns (got {self.head_dim}); change it")
        if self.attention_bias is None:
            derive("attention_bias", self.model_type.startswith("qwen2"))
        if self.use_sliding_window and (self.sliding_window is None or self.sliding_window < 1):
            raise Problem(f"sliding_window must be 1 or more (got {self.sliding_window}); change it")
        if self.layer_types is not None and len(self.layer_types) != self.num_hidden_layers:
            raise Problem(f"layer_types names {len(self.layer_types)} layers of {self.num_hidden_layers}; correct it")
        if self.has_experts and not 1 <= self.num_experts_per_tok <= self.num_experts:
            raise Problem(f"num_experts_per_tok must be from 1 to num_experts (got {self.num_experts_per_tok}, "
                          f"{self.num_experts}); change one of them")  # fmt: skip
        if self.has_experts and self.moe_intermediate_size < 1:
            raise Problem(f"moe_intermediate_size must be 1 or more (got {self.moe_intermediate_size}); change it")

    # ---- what the numbers mean ----

    @property
    def head_size(self) -> int:
        return self.head_dim or 0

    @property
    def groups(self) -> int:
        """Heads of keys and values; each is shared by num_attention_heads / groups heads of queries."""
        return self.num_key_value_heads or 0

    @property
    def qk_norm(self) -> bool:
        return self.model_type.startswith("qwen3")

    @property
    def has_experts(self) -> bool:
        return self.model_type.endswith("_moe")

    def sparse(self, layer: int) -> bool:
        """Does this layer have experts, instead of one MLP?"""
        return (self.has_experts and self.num_experts > 0 and layer not in self.mlp_only_layers
                and (layer + 1) % self.decoder_sparse_step == 0)  # fmt: skip

    def window(self, layer: int) -> int | None:
        """How many positions this layer looks back on, itself included; None: all."""
        if not self.use_sliding_window:
            return None
        if self.layer_types is not None:
            slides = self.layer_types[layer] == "sliding_attention"
        elif self.model_type == "qwen2_moe":
            slides = layer % 2 == 0 and layer < self.max_window_layers
        elif self.model_type == "qwen3_moe":
            slides = True
        else:
            slides = layer >= self.max_window_layers
        return self.sliding_window if slides else None

    @property
    def ends(self) -> frozenset[int]:
        """The tokens that end a text."""
        eos = self.eos_token_id
        return frozenset() if eos is None else frozenset([eos] if isinstance(eos, int) else eos)

    # ---- the file ----

    @classmethod
    def from_json(cls, path: str | Path) -> "QwenConfig":
        """Read a config.json, or a folder's. Raises Problem for a file that is damaged or of another model."""
        file = Path(path)
        file = file / "config.json" if file.is_dir() else file
        if not file.is_file():
            raise Problem(f"{path} has no config.json; name a folder that holds a whole model")
        try:
            return from_content(json.loads(file.read_bytes()))
        except Problem as problem:
            raise Problem(f"{file}: {problem}") from None
        except (ValueError, RecursionError) as error:
            raise Problem(f"{file} is no JSON, or only a part of it ({error}); copy it again") from None

    def to_json(self, dtype: str = "float32") -> dict[str, Any]:
        """The content of a config.json that `transformers` reads as this model."""
        content: dict[str, Any] = {"architectures": [CLASSES[self.model_type] + self.architecture]}
        skipped = {"yarn", "architecture", "num_labels", "rope_theta", "attention_bias"}
        if not self.has_experts:
            skipped |= {"num_experts", "num_experts_per_tok", "moe_intermediate_size", "norm_topk_prob",
                        "shared_expert_intermediate_size", "decoder_sparse_step", "mlp_only_layers"}  # fmt: skip
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name not in skipped and not (field.name == "layer_types" and value is None):
                content[field.name] = list(value) if isinstance(value, tuple) else value
        content["qkv_bias" if self.model_type == "qwen2_moe" else "attention_bias"] = self.attention_bias
        scaling = None
        if self.yarn:
            scaling = {"rope_type": "yarn", "factor": self.yarn.factor, "beta_fast": self.yarn.beta_fast,
                       "beta_slow": self.yarn.beta_slow,
                       "original_max_position_embeddings": self.yarn.original_max_position_embeddings}  # fmt: skip
            if self.yarn.attention_factor is not None:
                scaling["attention_factor"] = self.yarn.attention_factor
        if self.architecture != HEADS[0]:
            content["id2label"] = {str(label): f"LABEL_{label}" for label in range(self.num_labels)}
        theta = {"rope_theta": self.rope_theta}
        return content | theta | {
            "hidden_act": "silu", "rope_scaling": scaling, "dtype": dtype, "torch_dtype": dtype,
            "rope_parameters": (scaling or {"rope_type": "default"}) | theta,
        }  # fmt: skip


def from_content(content: Any) -> QwenConfig:
    """The configuration of a parsed config.json."""
    if not isinstance(content, dict):
        raise Problem("this should be an object {...}; is it the right file?")
    family = content.get("model_type")
    if family not in FAMILIES:
        raise Problem(f"model_type is {str(family)[:40]!r}; only {', '.join(FAMILIES)} can be read here")
    if content.get("hidden_act", "silu") != "silu":
        raise Problem(f"hidden_act is {str(content['hidden_act'])[:40]!r}; a Qwen has 'silu'")
    yarn, theta = _rope(content)
    integers = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
    optional = ("num_key_value_heads", "head_dim", "sliding_window", "bos_token_id", "pad_token_id")
    # where a file is silent, its family has a say: Qwen3's heads have 128 numbers whatever the hidden size
    content = ({"head_dim": 128} if family == "qwen3" else {}) | content
    expert_counts = {"num_experts": 60 if family == "qwen2_moe" else 128, "moe_intermediate_size": 1408,
                     "num_experts_per_tok": 4 if family == "qwen2_moe" else 8}  # fmt: skip
    counts = {"max_position_embeddings": MAX_POSITIONS, "max_window_layers": 28, "decoder_sparse_step": 1,
              "shared_expert_intermediate_size": 0} | (expert_counts if family.endswith("_moe") else {})  # fmt: skip
    if "num_local_experts" in content and "num_experts" not in content:
        content["num_experts"] = content["num_local_experts"]  # another spelling of newer files
    bias = _field(content, "qkv_bias" if family == "qwen2_moe" else "attention_bias", bool, None)
    return QwenConfig(
        model_type=family,
        **{name: _field(content, name, int) for name in integers},
        **{name: _field(content, name, int, None) for name in optional},
        **{name: _field(content, name, int, default) for name, default in counts.items()},
        **{name: _field(content, name, bool, False)
           for name in ("tie_word_embeddings", "use_sliding_window", "norm_topk_prob")},
        rms_norm_eps=_field(content, "rms_norm_eps", float, 1e-6),
        rope_theta=theta,
        yarn=yarn,
        attention_bias=True if family == "qwen2" else bias,
        layer_types=_list(content, "layer_types", str),
        mlp_only_layers=_list(content, "mlp_only_layers", int) or (),
        eos_token_id=_list(content, "eos_token_id", int) if isinstance(content.get("eos_token_id"), list)
        else _field(content, "eos_token_id", int, None),
        num_labels=len(content.get("id2label") or ()) or _field(content, "num_labels", int, 2),
        architecture=_architecture(content, CLASSES[family]),
    )  # fmt: skip


REQUIRED = object()


def _field(content: Mapping[str, Any], name: str, kind: type, default: Any = REQUIRED) -> Any:
    """The value, if it is of that kind; null is as good as absent."""
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


def _list(content: Mapping[str, Any], name: str, kind: type) -> Any:
    value = content.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(type(each) is kind for each in value):
        raise Problem(f"{name} should be a list and is {str(value)[:40]!r}; copy the file again")
    return tuple(value)


def _architecture(content: Mapping[str, Any], family: str) -> str:
    named = content.get("architectures")
    if not named:
        return HEADS[0]
    name = str(named[0]) if isinstance(named, list) else str(named)
    if not name.startswith(family) or name.removeprefix(family) not in (*HEADS, "Model"):
        raise Problem(f"the architecture is {name[:60]!r}; only {', '.join(family + head for head in HEADS)} "
                      "can be read here")  # fmt: skip
    return HEADS[0] if name.endswith("Model") else name.removeprefix(family)


def _rope(content: Mapping[str, Any]) -> tuple[Yarn | None, float]:
    """Version 4 of `transformers` writes rope_theta and rope_scaling, version 5 both in rope_parameters."""
    places = [content.get("rope_parameters") or {}, content.get("rope_scaling") or {}]
    if not all(isinstance(place, dict) for place in places):
        raise Problem("rope_parameters and rope_scaling should be objects {...}; copy the file again")
    thetas = {_field(place, "rope_theta", float, None) for place in (*places, content)} - {None}
    scalings = [place for place in places if place.get("rope_type", place.get("type", "default")) != "default"]
    if len(thetas) > 1:
        raise Problem(f"rope_theta has several values ({', '.join(map(str, sorted(thetas)))}); remove the wrong ones")
    yarn = None
    for place in scalings:
        kind = place.get("rope_type", place.get("type"))
        if kind != "yarn" or place.get("mscale") or place.get("mscale_all_dim") or place.get("truncate") is False:
            raise Problem(f"the rotary embedding is of type {kind!r} with {sorted(place)}; only 'default' and plain "
                          "'yarn' can be read here")  # fmt: skip
        found = Yarn(
            _field(place, "factor", float),
            _field(place, "original_max_position_embeddings", int,
                   _field(content, "max_position_embeddings", int, MAX_POSITIONS)),
            _field(place, "attention_factor", float, None),
            _field(place, "beta_fast", float, 32.0),
            _field(place, "beta_slow", float, 1.0),
        )  # fmt: skip
        if yarn not in (None, found):
            raise Problem("rope_parameters says another thing than rope_scaling; remove the wrong one")
        yarn = found
    # both versions write the theta; where neither is there, the file is from the first of them, whose default it was
    return yarn, thetas.pop() if thetas else 10_000.0
