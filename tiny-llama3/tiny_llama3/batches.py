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
    """Every epoch cuts the stream into windows anew, from another offset, and shuffles them.

    A window that would begin within a short document begins with it.
    """

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
        start = beginning(self.tokens, start, self.length, self.first_id)
        return self.tokens.slice(start, start + self.length + 1)


def beginning(tokens: Tokens, start: int, length: int, first_id: int | None) -> int:
    """Where the document begins that `start` is in, if that is at most half a row back; else `start`.

    A row that begins within a document asks for what can't be known: a name that was told before. With short
    documents that would concern most rows.
    """
    if first_id is None:
        return start
    lowest = max(0, start - length // 2)
    begins = np.flatnonzero(tokens.slice(lowest, start + 1) == first_id)
    return lowest + int(begins[-1]) if len(begins) else start


def in_order(tokens: Tokens, length: int, rows: int, first_id: int | None, most_rows: int | None = None) -> list[Batch]:
    """All of the stream as batches, for measuring; every token but the very first is a target once.

    A window reaches back to where its document begins, the last one to be as long as the others; what was asked before
    is not asked again.
    """
    if len(tokens) < length + 1:
        raise Problem(
            f"the data has {len(tokens):,} tokens, one row needs {length + 1:,}; give more text or shorter rows"
        )
    windows: list[np.ndarray] = []
    repeated: list[int] = []
    start = 0
    while start < len(tokens) - 1 and (most_rows is None or len(windows) < most_rows):
        moved = min(beginning(tokens, start, length, first_id), len(tokens) - length - 1)
        windows.append(tokens.slice(moved, moved + length + 1))
        repeated.append(start - moved)
        start = moved + length
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
