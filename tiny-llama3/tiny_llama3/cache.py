"""The KV cache: keys and values of the positions that were read already, so that a new token reads only itself.

Shapes: B batch, G key/value heads, T new positions, S positions so far, K head size.
"""

import torch
from torch import Tensor

from tiny_llama3.problem import Problem


class KVCache:
    """Room for `capacity` positions of every layer, reserved at once: growing would copy all of it at each token."""

    def __init__(
        self,
        layers: int,
        batch: int,
        key_value_heads: int,
        capacity: int,
        head_size: int,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        shape = (layers, batch, key_value_heads, capacity, head_size)
        self.keys_LBGSK = torch.empty(shape, dtype=dtype, device=device)
        self.values_LBGSK = torch.empty(shape, dtype=dtype, device=device)
        self.documents_BS = torch.zeros(batch, capacity, dtype=torch.long, device=device)
        self.length = 0  # positions that all layers hold

    @property
    def capacity(self) -> int:
        return self.keys_LBGSK.shape[3]

    def grow(self, documents_BT: Tensor) -> int:
        """Count T new positions, whose keys the layers are about to add; returns the first one's number."""
        start, stop = self.length, self.length + documents_BT.shape[1]
        if stop > self.capacity:
            raise Problem(f"the cache has room for {self.capacity} positions, {stop} are needed; make a larger one")
        self.documents_BS[:, start:stop] = documents_BT
        self.length = stop
        return start

    def add(self, layer: int, keys_BGTK: Tensor, values_BGTK: Tensor) -> tuple[Tensor, Tensor]:
        """Keep one layer's new keys and values; returns all so far: (B, G, S, K) each."""
        start = self.length - keys_BGTK.shape[2]
        self.keys_LBGSK[layer, :, :, start : self.length] = keys_BGTK
        self.values_LBGSK[layer, :, :, start : self.length] = values_BGTK
        return self.keys_LBGSK[layer, :, :, : self.length], self.values_LBGSK[layer, :, :, : self.length]
