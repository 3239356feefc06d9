"""Batches of about equally many tokens, of sentences of about equal length, so that little is padding (section 5.1).

Shapes: B batch, S source positions, T target positions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Pair = tuple[list[int], list[int]]  # token ids of a source and of its target, without bos and eos


@dataclass(frozen=True)
class Batch:
    """`target_in` starts with bos, `target_out` ends with eos: position t of the first predicts position t of it."""

    source_BS: Tensor
    target_in_BT: Tensor
    target_out_BT: Tensor

    def to(self, device: str) -> "Batch":
        return Batch(self.source_BS.to(device), self.target_in_BT.to(device), self.target_out_BT.to(device))


def bucketed(pairs: Sequence[Pair], batch_tokens: int, generator: torch.Generator | None = None) -> list[list[int]]:
    """The numbers of the pairs, cut into batches of at most `batch_tokens` positions a side, padding counted.

    A pair that is longer gets a batch of its own. With a generator, equal lengths are mixed anew and the batches come
    in random order; the same generator state gives the same batches.
    """
    order = torch.randperm(len(pairs), generator=generator).tolist() if generator else range(len(pairs))
    order = sorted(order, key=lambda number: (len(pairs[number][1]), len(pairs[number][0])))
    batches: list[list[int]] = []
    longest = 0
    for number in order:
        longest = max(longest, len(pairs[number][0]) + 1, len(pairs[number][1]) + 1)  # 1: bos or eos
        if not batches or longest * (len(batches[-1]) + 1) > batch_tokens:
            batches.append([])
            longest = max(len(pairs[number][0]), len(pairs[number][1])) + 1
        batches[-1].append(number)
    if generator:
        batches = [batches[number] for number in torch.randperm(len(batches), generator=generator).tolist()]
    return batches


def collate(pairs: Sequence[Pair], pad_id: int, bos_id: int, eos_id: int) -> Batch:
    """Pad on the right to the longest of each side."""
    return Batch(
        padded([[*source, eos_id] for source, _ in pairs], pad_id),
        padded([[bos_id, *target] for _, target in pairs], pad_id),
        padded([[*target, eos_id] for _, target in pairs], pad_id),
    )


def padded(rows: Sequence[list[int]], pad_id: int) -> Tensor:
    """(B, longest)"""
    longest = max(map(len, rows))
    return torch.tensor([row + [pad_id] * (longest - len(row)) for row in rows])
