"""Which tokens a step sees: windows of the token stream in a random order that depends on nothing but seed and step.

So resuming needs no stored position, and several processes agree about who takes what without talking.

Shapes: N tokens of the stream, B rows, T positions of a row.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from tiny_llama3.loss import IGNORED
from tiny_llama3.problem import Problem


class Tokens(Protocol):
    """One long stream of tokens: documents one after the other, each beginning with the same first token."""

    def __len__(self) -> int: ...

    def slice(self, start: int, stop: int) -> np.ndarray: ...


@dataclass(frozen=True)
class Batch:
    """What the model reads, what it should answer, and which document each position belongs to: all (B, T)."""

    ids_BT: Tensor
    targets_BT: Tensor
    documents_BT: Tensor


class Batches:
    """Every epoch cuts the stream into windows anew, from another offset, and shuffles them."""

    def __init__(self, tokens: Tokens, length: int, rows: int, first_id: int | None, seed: int) -> None:
        """`first_id` begins every document; `rows` are those of one step."""
        if len(tokens) < length + 1:
            raise Problem(
                f"the data has {len(tokens):,} tokens, one row needs {length + 1:,}; give more text or shorter rows"
            )
        self.tokens, self.length, self.rows = tokens, length, rows
        self.first_id, self.seed = first_id, seed
        self.windows = max(1, (len(tokens) - length) // length)  # of one epoch; what is left over is the offset's room
        self._epoch = -1

    def rows_of(self, step: int, row: int, count: int) -> Batch:
        """`count` rows of one step, from number `row` on."""
        numbers = range(step * self.rows + row, step * self.rows + row + count)
        return batch_of([self._window(number) for number in numbers], self.first_id)

    def _window(self, number: int) -> np.ndarray:
        epoch, place = divmod(number, self.windows)
        if epoch != self._epoch:
            rng = np.random.default_rng([self.seed, epoch])
            room = len(self.tokens) - self.windows * self.length
            self._offset = int(rng.integers(min(self.length, room)))
            self._order = rng.permutation(self.windows)
            self._epoch = epoch
        start = self._offset + int(self._order[place]) * self.length
        return self.tokens.slice(start, start + self.length + 1)


def in_order(tokens: Tokens, length: int, rows: int, first_id: int | None, most_rows: int | None = None) -> list[Batch]:
    """All of the stream as batches, for measuring; every token but the very first is a target once.

    The last window reaches back to be as long as the others, and what was asked before is not asked again.
    """
    if len(tokens) < length + 1:
        raise Problem(
            f"the data has {len(tokens):,} tokens, one row needs {length + 1:,}; give more text or shorter rows"
        )
    starts = list(range(0, len(tokens) - 1, length))[:most_rows]
    windows, repeated = [], []
    for start in starts:
        moved = min(start, len(tokens) - length - 1)
        windows.append(tokens.slice(moved, moved + length + 1))
        repeated.append(start - moved)
    batches = []
    for first in range(0, len(windows), rows):
        batch = batch_of(windows[first : first + rows], first_id)
        for row, count in enumerate(repeated[first : first + rows]):
            batch.targets_BT[row, :count] = IGNORED
        batches.append(batch)
    return batches


def batch_of(windows: list[np.ndarray], first_id: int | None) -> Batch:
    """Windows of T + 1 tokens. What a new document begins with can't be known before, so it is no target."""
    tokens = torch.from_numpy(np.stack(windows).astype(np.int64))
    ids_BT, targets_BT = tokens[:, :-1].contiguous(), tokens[:, 1:].clone()
    if first_id is None:
        return Batch(ids_BT, targets_BT, torch.zeros_like(ids_BT))
    targets_BT[targets_BT == first_id] = IGNORED
    return Batch(ids_BT, targets_BT, (ids_BT == first_id).cumsum(1))
