"""The KV cache: keys and values of the positions that were read already, so that a new token reads only itself.

Shapes: B batch, G key/value heads, T new positions, S positions so far, K head size.
"""

import torch
from torch import Tensor

from qwen_blog.problem import Problem


class KVCache:
    """Room for `capacity` positions of every layer, reserved at once: growing would copy all of it at each token."""

    def __init__(self, layers: int, batch: int, groups: int, capacity: int, head_size: int,
                 dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu") -> None:  # fmt: skip
        shape = (batch, groups, capacity, head_size)
        self.keys_BGSK = [torch.empty(shape, dtype=dtype, device=device) for _ in range(layers)]
        self.values_BGSK = [torch.empty(shape, dtype=dtype, device=device) for _ in range(layers)]
        self.documents_BS: Tensor | None = None  # None: nothing is padding, everything one document
        self.capacity, self.length = capacity, 0

    def grow(self, documents_BT: Tensor | None, batch: int, new: int) -> int:
        """Count `new` positions, whose keys the layers are about to add; returns the first one's number."""
        start, stop = self.length, self.length + new
        if stop > self.capacity:
            raise Problem(f"the cache has room for {self.capacity} positions, {stop} are needed; make a larger one")
        if documents_BT is not None or self.documents_BS is not None:
            before = torch.ones(batch, start, dtype=torch.long) if self.documents_BS is None else self.documents_BS
            # whoever writes on says nothing: a new position belongs to the document of the one before it
            last = before[:, -1:] if start else torch.ones(batch, 1, dtype=torch.long)
            added = last.clamp(min=1).expand(-1, new) if documents_BT is None else documents_BT[:, -new:]
            self.documents_BS = torch.cat([before.to(added.device), added], 1)
        self.length = stop
        return start

    def add(self, layer: int, keys_BGTK: Tensor, values_BGTK: Tensor) -> tuple[Tensor, Tensor]:
        """Keep one layer's new keys and values; returns all so far: (B, G, S, K) each."""
        start = self.length - keys_BGTK.shape[2]
        self.keys_BGSK[layer][:, :, start : self.length] = keys_BGTK
        self.values_BGSK[layer][:, :, start : self.length] = values_BGTK
        return self.keys_BGSK[layer][:, :, : self.length], self.values_BGSK[layer][:, :, : self.length]
