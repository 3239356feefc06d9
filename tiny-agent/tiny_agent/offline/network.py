"""The small model's network, in NumPy: a Llama (RMSNorm, rotary positions, SwiGLU, tied output) with a cache.

One token at a time: keys and values of all earlier positions are kept, so a step costs the same products whatever the
length, but for the scores. Shapes: D width, H heads, K head size, F inner width, V vocabulary, T positions so far.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
EPSILON = 1e-5
THETA = 10_000.0


@dataclass(frozen=True)
class Shape:
    vocabulary: int
    width: int
    layers: int
    heads: int
    inner: int
    longest: int


class Network:
    """Weights by their Llama names, without `model.`; float16 in the file, float32 here."""

    def __init__(self, shape: Shape, weights: dict[str, Array]) -> None:
        self.shape, self.weights = shape, weights
        size = shape.width // shape.heads
        frequency = THETA ** (-np.arange(0, size, 2, dtype=np.float32) / size)
        angle = np.arange(shape.longest, dtype=np.float32)[:, None] * frequency
        self.cos, self.sin = np.cos(angle), np.sin(angle)
        self.begin()

    def begin(self) -> None:
        """Forget everything read."""
        s = self.shape
        self.keys = np.zeros((s.layers, s.longest, s.heads, s.width // s.heads), np.float32)
        self.values = np.zeros_like(self.keys)
        self.length = 0

    def read(self, ids: list[int]) -> Array:
        """Read tokens; the logits after the last, (V,). ValueError if they don't fit."""
        s, w = self.shape, self.weights
        count, start = len(ids), self.length
        if start + count > s.longest:
            raise ValueError(f"{start + count} tokens are more than the {s.longest} that fit")
        x = w["embed_tokens.weight"][ids]  # (n, D)
        cos, sin = self.cos[start : start + count, None], self.sin[start : start + count, None]
        end = start + count
        visible = np.arange(end)[None, :] <= np.arange(start, end)[:, None]  # (n, T)
        for layer in range(s.layers):
            name = f"layers.{layer}."
            h = _norm(x, w[name + "input_layernorm.weight"])
            q, k, v = ((h @ w[f"{name}self_attn.{part}_proj.weight"].T).reshape(count, s.heads, -1) for part in "qkv")
            self.keys[layer, start:end] = _rotate(k, cos, sin)
            self.values[layer, start:end] = v
            scores = np.einsum("nhk,thk->hnt", _rotate(q, cos, sin), self.keys[layer, :end])
            scores = np.where(visible, scores / np.sqrt(np.float32(q.shape[-1])), -np.inf)
            mixed = np.einsum("hnt,thk->nhk", _softmax(scores), self.values[layer, :end]).reshape(count, -1)
            x = x + mixed @ w[name + "self_attn.o_proj.weight"].T
            h = _norm(x, w[name + "post_attention_layernorm.weight"])
            gate, up = (h @ w[f"{name}mlp.{part}_proj.weight"].T for part in ("gate", "up"))
            x = x + (gate / (1 + np.exp(-gate)) * up) @ w[name + "mlp.down_proj.weight"].T
        self.length = end
        last: Array = _norm(x[-1:], w["norm.weight"])[0] @ w["embed_tokens.weight"].T
        return last


def _norm(x: Array, weight: Array) -> Array:
    scaled: Array = x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + EPSILON) * weight
    return scaled


def _rotate(x: Array, cos: Array, sin: Array) -> Array:
    """Turn pairs (i, i + K/2), as the Llama checkpoints pair them."""
    first, second = np.split(x, 2, axis=-1)
    turned: Array = np.concatenate([first * cos - second * sin, first * sin + second * cos], axis=-1)
    return turned


def _softmax(x: Array) -> Array:
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    shares: Array = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def load(folder: Path) -> tuple[Network, list[str], dict[str, Any]]:
    """(network, characters by number, what is known of the model)."""
    about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    with np.load(folder / "weights.npz", allow_pickle=False) as kept:
        weights = {name: kept[name].astype(np.float32) for name in kept.files}
    return Network(Shape(**about["shape"]), weights), about["characters"], about
