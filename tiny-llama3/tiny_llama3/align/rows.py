"""Conversations become rows of a tensor: packed one after the other, or each in a row of its own with padding behind.

Nothing attends to padding, and nobody attends to another conversation: each has its own document number.

Shapes: B rows, T positions of a row.
"""

import random
from collections.abc import Sequence

import torch
from torch import Tensor

from tiny_llama3.batches import Batch
from tiny_llama3.chat_template import Chat
from tiny_llama3.loss import IGNORED

PADDING = -1  # the document number of padding


def packed(chats: Sequence[Chat], length: int, chance: random.Random) -> list[list[Chat]]:
    """In a random order, as many into each row of `length` positions as fit; every chat must fit alone."""
    rows: list[list[Chat]] = []
    room = 0
    for place in chance.sample(range(len(chats)), len(chats)):
        needed = len(chats[place].ids) - 1  # the last token is only predicted, never read
        if needed > room:
            rows.append([])
            room = length
        rows[-1].append(chats[place])
        room -= needed
    return rows


def batch_of_rows(rows: Sequence[Sequence[Chat]], length: int | None = None) -> Batch:
    """Targets are the next tokens, only where the assistant wrote them. `length`: None is that of the longest row."""
    used = [sum(len(chat.ids) - 1 for chat in row) for row in rows]
    length = length or max(used)
    ids_BT = torch.zeros(len(rows), length, dtype=torch.long)
    targets_BT = torch.full_like(ids_BT, IGNORED)
    documents_BT = torch.full_like(ids_BT, PADDING)
    for number, row in enumerate(rows):
        start = 0
        for document, chat in enumerate(row):
            stop = start + len(chat.ids) - 1
            ids_BT[number, start:stop] = torch.tensor(chat.ids[:-1])
            next_T = torch.tensor(chat.ids[1:])
            learnt_T = torch.tensor(chat.learnt[1:])
            targets_BT[number, start:stop] = torch.where(learnt_T, next_T, IGNORED)
            documents_BT[number, start:stop] = document
            start = stop
    return Batch(ids_BT, targets_BT, documents_BT)


def one_a_row(chats: Sequence[Chat]) -> Batch:
    return batch_of_rows([[chat] for chat in chats])


def on_device(batch: Batch, device: torch.device | str) -> Batch:
    return Batch(*(tensor.to(device) for tensor in (batch.ids_BT, batch.targets_BT, batch.documents_BT)))


def order(count: int, per_step: int, step: int, seed: int) -> list[int]:
    """Which examples step number `step` (from 0) takes: all of them once before any comes again, shuffled anew."""
    chosen: list[int] = []
    first = step * per_step
    while len(chosen) < per_step:
        epoch, place = divmod(first + len(chosen), count)
        shuffled = random.Random(f"order {seed} {epoch}").sample(range(count), count)
        chosen += shuffled[place : place + per_step - len(chosen)]
    return chosen


def learnt_tokens(batch: Batch) -> int:
    return int((batch.targets_BT != IGNORED).sum())


def mask_of(batch: Batch) -> Tensor:
    """True where a target is, (B, T)."""
    return batch.targets_BT != IGNORED
