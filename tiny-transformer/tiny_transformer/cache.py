"""The key/value cache: what a decoder layer keeps, so that each new token costs one position instead of all of them.

Keys and values of earlier positions never change, because no position sees what comes after it.

Shapes: B batch (or beams), H heads, T target positions, S source positions, K head size.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class LayerCache:
    """One layer's keys and values: of the source (B, H, S, K), and of the target so far (B, H, T, K)."""

    source: tuple[Tensor, Tensor] | None = None
    past: tuple[Tensor, Tensor] | None = None

    def with_past(self, key_BHTK: Tensor, value_BHTK: Tensor) -> tuple[Tensor, Tensor]:
        """Append the new positions, and return all of them."""
        if self.past is not None:
            key_BHTK = torch.cat([self.past[0], key_BHTK], dim=2)
            value_BHTK = torch.cat([self.past[1], value_BHTK], dim=2)
        self.past = key_BHTK, value_BHTK
        return self.past

    def select(self, rows: Tensor) -> None:
        """Row i becomes what row rows[i] was: a beam that goes on from another one takes over its memories."""
        if self.source is not None:
            self.source = self.source[0][rows], self.source[1][rows]
        if self.past is not None:
            self.past = self.past[0][rows], self.past[1][rows]


@dataclass
class Cache:
    """A decoder's layers, and how many target positions they have seen."""

    layers: list[LayerCache]
    length: int = 0

    @classmethod
    def empty(cls, n_layers: int) -> "Cache":
        return cls([LayerCache() for _ in range(n_layers)])

    def select(self, rows: Tensor) -> None:
        for layer in self.layers:
            layer.select(rows)
