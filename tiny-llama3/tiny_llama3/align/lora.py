"""LoRA: leave the weights as they are and learn a small correction of each (Hu et al. 2021, arXiv:2106.09685).

A layer computes W x + (alpha / rank) B A x, where A is (rank, in) and B is (out, rank). B begins as zeros, so training
begins at the base model. Learnt are rank * (in + out) numbers instead of in * out. Afterwards the correction can be
added to W: merged, the layer is as fast as before.

On disk an adapter has the layout of the `peft` library:

    adapter_config.json         rank, alpha, which layers
    adapter_model.safetensors   base_model.model.<layer>.lora_A.weight and .lora_B.weight
"""

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional

from tiny_llama3.model import Llama
from tiny_llama3.problem import Problem

LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
PREFIX = "base_model.model."
WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"


@dataclass(frozen=True)
class LoraConfig:
    rank: int = 8
    alpha: float = 16.0
    layers: tuple[str, ...] = LAYERS  # the last part of their names; lm_head is a linear layer, too

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise Problem(f"rank must be 1 or more (got {self.rank}); 8 is usual")
        if not 0 < self.alpha < math.inf:
            raise Problem(f"alpha must be above 0 (got {self.alpha}); twice the rank is usual")


class LoraLinear(nn.Module):
    """A linear layer, frozen, with its correction."""

    def __init__(self, base: nn.Linear, config: LoraConfig) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        self.scale = config.alpha / config.rank
        like: dict[str, Any] = {"device": base.weight.device, "dtype": base.weight.dtype}
        self.lora_A = nn.Parameter(torch.empty(config.rank, base.in_features, **like))
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, config.rank, **like))
        nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))  # as nn.Linear begins

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) + functional.linear(functional.linear(x, self.lora_A), self.lora_B) * self.scale

    @property
    def weight(self) -> Tensor:
        """W + (alpha / rank) B A: what the layer multiplies by, all in all."""
        return self.base.weight + self.lora_B @ self.lora_A * self.scale


def add_lora(model: Llama, config: LoraConfig, seed: int = 0) -> Llama:
    """Put an adapter around each of the layers and freeze all else. Changes `model` and returns it."""
    linear = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    for wanted in config.layers:
        if not any(name.split(".")[-1] == wanted for name in linear):
            known = sorted({name.split(".")[-1] for name in linear})
            raise Problem(f"no linear layer is called {wanted!r}; choose from {', '.join(known)}")
    model.requires_grad_(False)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for name in linear:
            if name.split(".")[-1] in config.layers:
                parent, _, own = name.rpartition(".")
                layer = model.get_submodule(name)
                assert isinstance(layer, nn.Linear)
                setattr(model.get_submodule(parent), own, LoraLinear(layer, config))
    return model


def adapters(model: Llama) -> dict[str, LoraLinear]:
    """By the name of the layer."""
    return {name: module for name, module in model.named_modules() if isinstance(module, LoraLinear)}


def merge(model: Llama) -> Llama:
    """Add every correction to its weight and take the adapters away. Changes `model` and returns it."""
    for name, adapter in adapters(model).items():
        with torch.no_grad():
            merged = adapter.weight.clone()
        # a new tensor: the output layer may share its weight with the embedding, which has no correction
        adapter.base.weight = nn.Parameter(merged, requires_grad=False)
        parent, _, own = name.rpartition(".")
        setattr(model.get_submodule(parent), own, adapter.base)
    return model.requires_grad_(True)


def save_adapter(
    folder: Path, model: Llama, config: LoraConfig, base: str, fingerprint: str, write: Callable[[Path, bytes], object]
) -> None:
    """`base` is the base model's folder, `fingerprint` its weights'; by it, an adapter for another base is noticed."""
    tensors = {}
    for name, adapter in adapters(model).items():
        tensors[f"{PREFIX}{name}.lora_A.weight"] = adapter.lora_A.detach().cpu().contiguous()
        tensors[f"{PREFIX}{name}.lora_B.weight"] = adapter.lora_B.detach().cpu().contiguous()
    write(folder / WEIGHTS, safetensors.torch.save(tensors, {"format": "pt", "base": fingerprint}))
    about = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": base, "r": config.rank,
             "lora_alpha": config.alpha, "lora_dropout": 0.0, "target_modules": list(config.layers), "bias": "none",
             "fan_in_fan_out": False, "inference_mode": True}  # fmt: skip
    write(folder / CONFIG, (json.dumps(about, indent=2) + "\n").encode())


def load_adapter(model: Llama, folder: Path) -> Llama:
    """Put a saved adapter around the layers of its base model. Raises Problem if it is damaged or fits another base."""
    config = _read_config(folder / CONFIG)
    path = folder / WEIGHTS
    try:
        with safe_open(path, "pt") as file:
            base = (file.metadata() or {}).get("base")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
    except (OSError, SafetensorError) as error:
        raise Problem(f"{path.as_posix()}: missing, cut short or damaged ({error}); copy it again") from None
    if base is not None and base != fingerprint(model):
        raise Problem(f"{folder.as_posix()} was trained for another base model; give the one that its {CONFIG} names")
    add_lora(model, config)
    for name, adapter in adapters(model).items():
        for part in ("lora_A", "lora_B"):
            wanted = getattr(adapter, part)
            tensor = tensors.pop(f"{PREFIX}{name}.{part}.weight", None)
            if tensor is None or tensor.shape != wanted.shape:
                found = "missing" if tensor is None else f"of shape {tuple(tensor.shape)}"
                raise Problem(f"{path.as_posix()}: {part} of {name} is {found}, the base model needs "
                              f"{tuple(wanted.shape)}; give the base model that belongs to it")  # fmt: skip
            with torch.no_grad():
                wanted.copy_(tensor)
    if tensors:
        raise Problem(f"{path.as_posix()}: {min(tensors)} belongs to no layer of the base model; give the one that "
                      "belongs to it")  # fmt: skip
    return model


def fingerprint(model: Llama) -> str:
    """Of the weights: the same for the same base, whatever folder it lies in."""
    digest = hashlib.sha256()
    for name, parameter in model.named_parameters():
        digest.update(f"{name} {tuple(parameter.shape)}".encode())
        digest.update(parameter.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _read_config(path: Path) -> LoraConfig:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        layers: Sequence[str] = content["target_modules"]
        if content.get("peft_type") != "LORA" or isinstance(layers, str):
            raise Problem("only LoRA adapters with a list of layers can be read")
        return LoraConfig(int(content["r"]), float(content["lora_alpha"]), tuple(layers))
    except OSError as error:
        raise Problem(f"{path.as_posix()} can't be read ({error.strerror}); name the folder of an adapter") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Problem(f"{path.as_posix()}: not a LoRA adapter ({error}); copy it again") from None
