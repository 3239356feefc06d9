"""Embedders turn texts into vectors whose inner product says how close the texts are in meaning.

One interface, two kinds: `LSA` learns from the user's own texts and needs nothing else; `OpenAICompatible` asks a
server. Everything after this line of code (store, fusion, search) doesn't know which one it has.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from .api_embedder import OpenAICompatible
from .lsa import LSA

__all__ = ["LSA", "Embedder", "OpenAICompatible"]


class Embedder(Protocol):
    """What an embedder can do."""

    @property
    def name(self) -> str:
        """Kind and size, such as "lsa-200" or "api:text-embedding-3-small": part of an index's passport."""

    def fit(self, texts: Sequence[str]) -> "Embedder":
        """Learn from the texts that will be searched; an embedder that was trained elsewhere just returns itself."""

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """One row of length 1 a text: (N, dim) float32."""
