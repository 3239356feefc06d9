"""The weights of a folder: one safetensors file, or several with an index, checked against the model before reading."""

import json
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from qwen_blog.problem import Problem
from qwen_blog.safetensors_file import Entry, map_tensor, read_header

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
OUTPUT, EMBEDDING = "lm_head.weight", "model.embed_tokens.weight"
COMPUTED = "rotary_emb.inv_freq"  # older files hold it; it follows from the configuration
Stored = Mapping[str, tuple[Path, Entry]]


class NoNumbers(TorchFunctionMode):
    """While it is active, new layers aren't filled with random numbers, which would be thrown away at once."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(function, "__module__", None) == "torch.nn.init":
            return kwargs["tensor"] if kwargs and "tensor" in kwargs else args[0]
        return function(*args, **(kwargs or {}))


def find(folder: Path) -> dict[str, tuple[Path, Entry]]:
    """Every tensor of the folder: its name, its file and its place there."""
    files = [folder / SINGLE] if (folder / SINGLE).is_file() else _indexed(folder)
    return {name: (file, entry) for file in files for name, entry in read_header(file).items()
            if not name.endswith(COMPUTED)}  # fmt: skip


def _indexed(folder: Path) -> list[Path]:
    index = folder / INDEX
    if not index.is_file():
        pickled = [path.name for kind in ("*.bin", "*.pth", "*.pt") for path in folder.glob(kind)]
        if pickled:
            raise Problem(f"{folder} has weights only as pickle ({pickled[0]}), which may run any code and isn't read; "
                          "convert them to safetensors")  # fmt: skip
        raise Problem(f"{folder} has no {SINGLE} and no {INDEX}; copy the whole folder again")
    try:
        names = set(json.loads(index.read_bytes())["weight_map"].values())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Problem(f"{index} is damaged ({type(error).__name__}); copy it again") from None
    for name in names:
        # a name with a folder in it could lead to anywhere on this machine
        if not isinstance(name, str) or not name.endswith(".safetensors") or {*"/\\:\0"} & {*name}:
            raise Problem(f"{index} names {str(name)[:80]!r}, which is no file of this folder; copy the index again")
        if not (folder / name).is_file():
            raise Problem(f"{index} names {name}, which isn't there; copy that file, too")
    return [folder / name for name in sorted(names)]


def check(model: nn.Module, stored: Stored, folder: Path, tied: bool) -> None:
    """Raises Problem for a weight that is missing, left over, or of another shape or kind."""
    wanted = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    for name, (file, entry) in stored.items():
        if name not in wanted:
            raise Problem(f"{file}: the weight {name!r} belongs to no part of this model; is the config.json its own?")
        if entry.shape != wanted[name]:
            raise Problem(f"{file}: the weight {name!r} has shape {entry.shape}, the configuration asks for "
                          f"{wanted[name]}; take the one that belongs to the weights")  # fmt: skip
        if not entry.dtype.is_floating_point:
            raise Problem(f"{file}: the weight {name!r} is in {entry.dtype}; take a model that isn't quantised")
    for name in wanted:
        if name not in stored and not (name == OUTPUT and tied):
            raise Problem(f"{folder}: the weight {name!r} is missing; copy all files of the model again")


def dtype_of(stored: Stored) -> torch.dtype:
    """The type that holds the numbers of all of them."""
    return reduce(torch.promote_types, (entry.dtype for _, entry in stored.values()))


def load(stored: Stored, name: str, dtype: torch.dtype, device: str = "cpu") -> Tensor:
    file, entry = stored[name]
    return map_tensor(file, entry).to(device, dtype)


def fill(model: nn.Module, stored: Stored, dtype: torch.dtype, device: str, tied: bool) -> None:
    """Give a model on the meta device its weights, one at a time: it is in memory once."""
    for name in model.state_dict():
        if name == OUTPUT and tied:
            continue
        place, _, last = name.rpartition(".")
        setattr(model.get_submodule(place), last, nn.Parameter(load(stored, name, dtype, device)))
    if tied:
        model.lm_head.weight = model.model.embed_tokens.weight  # type: ignore[union-attr]
