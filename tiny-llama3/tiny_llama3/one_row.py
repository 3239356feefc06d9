"""The model once more, in NumPy, for the one case that matters when a single person waits: one new token of one text.

Every weight is read once for each token and used for a single multiplication, so the time goes to memory, and what
counts is how fast a matrix times a vector goes. NumPy's product reads weights two to four times as fast as PyTorch's
does for one row, and each of its calls costs less. The weights are the model's own: nothing is copied.

Shapes: D hidden size, H query heads, G key/value heads, R = H/G, S positions so far, K head size, V vocabulary.
"""

from itertools import pairwise

import numpy as np
import torch

from tiny_llama3.cache import KVCache
from tiny_llama3.model import Llama
from tiny_llama3.rope import rotation_table

Array = np.ndarray


class OneRow:
    """`model` on the CPU in 32 bits; goes on where `cache`, of one text without padding, stands."""

    def __init__(self, model: Llama, cache: KVCache) -> None:
        c = model.config
        self.cache, self.groups, self.size, self.eps = cache, c.key_value_heads, c.head_size, c.rms_norm_eps
        tables = rotation_table(cache.capacity, model.frequency_P)
        self.cos_SK, self.sin_SK = (table.numpy() for table in tables)
        self.sin_SK[:, : c.head_size // 2] *= -1  # the halves change places, and the first one its sign
        bounds = np.cumsum([0, c.num_attention_heads * c.head_size] + 2 * [c.key_value_heads * c.head_size])
        self.qkv_X = np.empty(bounds[-1], np.float32)
        self.parts = [self.qkv_X[start:stop] for start, stop in pairwise(bounds)]  # q, k and v, side by side
        self.rotated_HK = self.qkv_X[: bounds[2]].reshape(-1, c.head_size)  # q and k
        self.keys_LGSK, self.values_LGSK = cache.keys_LBGSK[:, 0].numpy(), cache.values_LBGSK[:, 0].numpy()
        self.scale = np.float32(c.head_size**-0.5)
        weights = {name: tensor.detach().numpy() for name, tensor in model.named_parameters()}
        self.embedding_VD = weights["model.embed_tokens.weight"]
        self.output_VD = weights.get("lm_head.weight", self.embedding_VD)
        self.norm_D = weights["model.norm.weight"]
        names = ("input_layernorm", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
                 "post_attention_layernorm", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")  # fmt: skip
        self.layers = [[weights[f"model.layers.{layer}.{name}.weight"] for name in names]
                       for layer in range(c.num_hidden_layers)]  # fmt: skip
        self.qkv_biases = [  # Qwen2's
            np.concatenate([weights[f"model.layers.{layer}.self_attn.{name}_proj.bias"] for name in "qkv"])
            for layer in range(c.num_hidden_layers if c.qkv_bias else 0)
        ]
        self.head_norms = [  # Qwen3's: a row of weights for each head of queries and keys
            np.repeat([weights[f"model.layers.{layer}.self_attn.{name}_norm.weight"] for name in "qk"],
                      [c.num_attention_heads, self.groups], axis=0)
            for layer in range(c.num_hidden_layers if c.qk_norm else 0)
        ]  # fmt: skip

    def logits(self, id: int) -> Array:
        """What comes after this token, (V,)."""
        place = self.cache.grow(torch.zeros(1, 1, dtype=torch.long))
        x_D = self.embedding_VD[id]
        with np.errstate(over="ignore"):  # exp(-gate) may be infinite; 1 / infinity is the 0 that it should be
            for layer, (norm_D, *projections, output, ffn_norm_D, gate, up, down) in enumerate(self.layers):
                normal_D = self._normalised(x_D, norm_D)
                for weight, part in zip(projections, self.parts, strict=True):
                    np.dot(weight, normal_D, out=part)
                if self.qkv_biases:
                    self.qkv_X += self.qkv_biases[layer]
                x_D = x_D + output @ self._attend(layer, place)
                normal_D = self._normalised(x_D, ffn_norm_D)
                gate_F = gate @ normal_D
                x_D = x_D + down @ (gate_F / (1 + np.exp(-gate_F)) * (up @ normal_D))
        return self.output_VD @ self._normalised(x_D, self.norm_D)

    def _normalised(self, x_D: Array, weight_D: Array) -> Array:
        return x_D * (weight_D * np.float32((x_D.dot(x_D) / len(x_D) + self.eps) ** -0.5))

    def _attend(self, layer: int, place: int) -> Array:
        """Every head's mixture of values, side by side."""
        half, x_HK = self.size // 2, self.rotated_HK
        if self.head_norms:
            x_HK = x_HK * ((np.square(x_HK).mean(-1, keepdims=True) + self.eps) ** -0.5) * self.head_norms[layer]
        swapped_HK = np.concatenate([x_HK[:, half:], x_HK[:, :half]], axis=1)
        turned_HK = x_HK * self.cos_SK[place] + swapped_HK * self.sin_SK[place]
        self.keys_LGSK[layer, :, place] = turned_HK[-self.groups :]
        self.values_LGSK[layer, :, place] = self.parts[2].reshape(self.groups, -1)
        query_GRK = turned_HK[: -self.groups].reshape(self.groups, -1, self.size) * self.scale
        scores_GRS = query_GRK @ self.keys_LGSK[layer, :, : place + 1].transpose(0, 2, 1)
        weights_GRS = np.exp(scores_GRS - scores_GRS.max(-1, keepdims=True))
        weights_GRS /= weights_GRS.sum(-1, keepdims=True)
        return (weights_GRS @ self.values_LGSK[layer, :, : place + 1]).reshape(-1)
