"""A model that is larger than the memory: each layer's weights are read when its turn comes, and dropped after it.

What stays is one layer and the cache. Every token reads the whole file, so it is as slow as the disk; for reading a
long text or one journey that is enough.
"""

from typing import Any

import torch
from torch import Tensor, nn

from qwen_blog import weight_files
from qwen_blog.model import Qwen
from qwen_blog.safetensors_file import read_tensor

ROWS = 4096  # of the output matrix at a time


class RowsOnDisk(nn.Module):
    """The embedding: only the rows of the tokens that occur are read."""

    def __init__(self, stored: weight_files.Stored, dtype: torch.dtype) -> None:
        super().__init__()
        self.file, self.entry = stored[weight_files.EMBEDDING]
        self.dtype = dtype

    def forward(self, ids: Tensor) -> Tensor:
        unique, place = ids.unique(return_inverse=True)
        rows = [read_tensor(self.file, self.entry, slice(id, id + 1)) for id in unique.tolist()]
        return torch.cat(rows).to(self.dtype)[place]


class HeadOnDisk(nn.Module):
    """The output matrix, a stretch of its rows at a time."""

    def __init__(self, stored: weight_files.Stored, dtype: torch.dtype) -> None:
        super().__init__()
        name = weight_files.OUTPUT if weight_files.OUTPUT in stored else weight_files.EMBEDDING
        self.file, self.entry = stored[name]
        self.weight = torch.empty(self.entry.shape, dtype=dtype, device="meta")

    def forward(self, x: Tensor) -> Tensor:
        parts = [x @ read_tensor(self.file, self.entry, slice(row, row + ROWS)).to(x.dtype).T
                 for row in range(0, self.entry.shape[0], ROWS)]  # fmt: skip
        return torch.cat(parts, -1)


def from_disk(model: Qwen, stored: weight_files.Stored, dtype: torch.dtype) -> None:
    """Make a model on the meta device read its weights as it goes."""
    model.model.embed_tokens = RowsOnDisk(stored, dtype)  # type: ignore[assignment]
    model.lm_head = HeadOnDisk(stored, dtype)  # type: ignore[assignment]
    model.model.norm.weight = nn.Parameter(weight_files.load(stored, "model.norm.weight", dtype))
    for index, layer in enumerate(model.model.layers):
        names = [name for name, _ in layer.named_parameters()]

        def bring(layer: nn.Module, given: Any, index: int = index, names: list[str] = names) -> None:
            for name in names:
                place, _, last = name.rpartition(".")
                tensor = weight_files.load(stored, f"model.layers.{index}.{name}", dtype)
                setattr(layer.get_submodule(place), last, nn.Parameter(tensor, requires_grad=False))

        def drop(layer: nn.Module, given: Any, out: Any, names: list[str] = names) -> None:
            for name in names:
                place, _, last = name.rpartition(".")
                owner = layer.get_submodule(place)
                setattr(owner, last, nn.Parameter(getattr(owner, last).to("meta"), requires_grad=False))

        layer.register_forward_pre_hook(bring)
        layer.register_forward_hook(drop)
