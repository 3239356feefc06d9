"""One KV cache for many texts at once, each at its own length: a text may come or go between any two tokens.

cache.py has one length for all rows, so shorter texts are padded and a batch begins and ends together. Here each row
has a length of its own, and whoever is done makes room for the next at once ("continuous batching", Yu et al. 2022).

Shapes: L layers, B rows, R rows at work, G key/value heads, S positions, K head size, V vocabulary.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from tiny_llama3.cache import KVCache
from tiny_llama3.model import Llama
from tiny_llama3.rope import rotation_table


class Slots:
    """Room for `rows` texts of up to `capacity` positions each."""

    def __init__(self, model: Llama, rows: int, capacity: int) -> None:
        config, weight = model.config, model.model.embed_tokens.weight
        shape = (config.num_hidden_layers, rows, config.key_value_heads, capacity, config.head_size)
        self.keys_LBGSK = torch.zeros(shape, dtype=weight.dtype, device=weight.device)
        self.values_LBGSK = torch.zeros(shape, dtype=weight.dtype, device=weight.device)
        self.model, self.capacity = model, capacity
        self.length = [0] * rows
        self.free = list(range(rows))[::-1]
        self.cos_SK, self.sin_SK = (table.to(weight.dtype) for table in rotation_table(capacity, model.frequency_P))
        self._rows_R = self._length_R = torch.empty(0, dtype=torch.long)
        self._longest = 0

    @torch.inference_mode()
    def read(self, ids: Sequence[int], everywhere: bool = False) -> tuple[int, Tensor]:
        """Read a prompt into a free row; the row, and the logits after its last token (1, V), or after each (T, V)."""
        config, weight = self.model.config, self.model.model.embed_tokens.weight
        cache = KVCache(config.num_hidden_layers, 1, config.key_value_heads, len(ids), config.head_size,
                        dtype=weight.dtype, device=weight.device)  # fmt: skip
        hidden_BTD = self.model.hidden(torch.tensor([list(ids)], device=weight.device), None, cache)
        logits_TV = self.model.lm_head(hidden_BTD[0] if everywhere else hidden_BTD[0, -1:])
        row = self.free.pop()
        self.keys_LBGSK[:, row, :, : len(ids)] = cache.keys_LBGSK[:, 0]
        self.values_LBGSK[:, row, :, : len(ids)] = cache.values_LBGSK[:, 0]
        self.length[row] = len(ids)
        return row, logits_TV

    @torch.inference_mode()
    def step(self, rows: Sequence[int], ids: Sequence[int]) -> Tensor:
        """Read one token of each of these rows; the logits of the next one, (R, V)."""
        device = self.keys_LBGSK.device
        self._rows_R = torch.tensor(list(rows), device=device)
        self._length_R = torch.tensor([self.length[row] for row in rows], device=device)
        self._longest = int(self._length_R.max()) + 1
        cos_R11K, sin_R11K = (table[self._length_R][:, None, None] for table in (self.cos_SK, self.sin_SK))
        places_S = torch.arange(self._longest, device=device)
        mask_R11S = (places_S <= self._length_R[:, None])[:, None, None]
        x_R1D = self.model.model.embed_tokens(torch.tensor(list(ids), device=device)[:, None])
        for number, block in enumerate(self.model.model.layers):
            x_R1D = block(x_R1D, cos_R11K, sin_R11K, mask_R11S, self, number)
        for row in rows:
            self.length[row] += 1
        return self.model.lm_head(self.model.model.norm(x_R1D))[:, 0]

    def add(self, layer: int, keys_RG1K: Tensor, values_RG1K: Tensor) -> tuple[Tensor, Tensor]:
        """What attention asks of a cache: keep the new keys and values, give all so far, (R, G, S, K) each."""
        self.keys_LBGSK[layer, self._rows_R, :, self._length_R] = keys_RG1K[:, :, 0]
        self.values_LBGSK[layer, self._rows_R, :, self._length_R] = values_RG1K[:, :, 0]
        return (self.keys_LBGSK[layer, self._rows_R, :, : self._longest],
                self.values_LBGSK[layer, self._rows_R, :, : self._longest])  # fmt: skip

    def release(self, row: int) -> None:
        self.length[row] = 0
        self.free.append(row)
