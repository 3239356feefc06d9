"""Two characters back, without a table of all pairs: logits = last[x(t)] + before[x(t − 1)]. Learned by micrograd.py.

A table of trigrams would need V³ numbers. Adding one table for the character before the last needs V² more, and there
is nothing to count that would give the two tables that fit best together: they have to be learned. It's the smallest
model that needs a gradient, and small enough to get it from our own engine, one scalar at a time.

Shapes: B items, T positions, V characters and the boundary.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import nn
from torch.nn import functional as F

from .bigram import by_counting
from .micrograd import Value
from .names import BOUNDARY, IGNORE, inputs_and_targets

Table = list[list[Value]]


class SkipBigram(nn.Module):
    def __init__(self, last_VV: torch.Tensor, before_VV: torch.Tensor):
        super().__init__()
        self.last_VV, self.before_VV = nn.Parameter(last_VV), nn.Parameter(before_VV)

    def forward(self, ids_BT: torch.Tensor) -> torch.Tensor:
        return self.last_VV[ids_BT] + self.before_VV[F.pad(ids_BT, (1, 0), value=BOUNDARY)[:, :-1]]


def followers(items: Sequence[torch.Tensor], vocab_size: int) -> torch.Tensor:
    """What follows each pair of characters, and how often: a row (before, last, next, count) a kind."""
    rows = []
    for start in range(0, len(items), 1_000):
        inputs_BT, targets_BT = inputs_and_targets(items[start : start + 1_000])
        before_BT = F.pad(inputs_BT, (1, 0), value=BOUNDARY)[:, :-1]
        rows.append(torch.stack([before_BT, inputs_BT, targets_BT], dim=-1)[targets_BT != IGNORE])
    kinds, counts = torch.cat(rows).unique(dim=0, return_counts=True)
    return torch.cat([kinds, counts[:, None]], dim=1)


def loss_of(logits: Sequence[Value], share: dict[int, float]) -> Value:
    """Cross entropy against what followed: log Σ exp(logit) − Σ share · logit, with micrograd's operations only."""
    total = Value(0.0)
    for logit in logits:
        total = total + logit.exp()
    loss = total.log()
    for following, part in share.items():
        loss = loss - part * logits[following]
    return loss


def by_micrograd(
    items: Sequence[torch.Tensor],
    vocab_size: int,
    generator: torch.Generator,
    steps: int = 1_000,
    contexts: int = 8,
    learning_rate: float = 6.0,
    progress: Callable[[int, int], None] = lambda step, steps: None,
) -> SkipBigram:
    """Start from the counted bigram, then follow the gradient of the loss at `contexts` pairs drawn by frequency."""
    if steps < 1 or contexts < 1 or learning_rate <= 0:
        raise ValueError(f"steps, contexts and rate must be positive (got {steps}, {contexts}, {learning_rate})")
    follows: dict[tuple[int, int], dict[int, int]] = {}
    for before, last, following, count in followers(items, vocab_size).tolist():
        follows.setdefault((before, last), {})[following] = count
    pairs = list(follows)
    frequency = torch.tensor([float(sum(counts.values())) for counts in follows.values()])

    last_VV: Table = [[Value(x) for x in row] for row in by_counting(items, vocab_size).logits_VV.tolist()]
    before_VV: Table = [[Value(0.0) for _ in range(vocab_size)] for _ in range(vocab_size)]
    for step in range(steps):
        loss = Value(0.0)
        touched: list[Value] = []
        for i in torch.multinomial(frequency, contexts, replacement=True, generator=generator).tolist():
            before, last = pairs[i]
            rows = last_VV[last], before_VV[before]
            logits = [a + b for a, b in zip(*rows, strict=True)]
            total = sum(follows[pairs[i]].values())
            loss = loss + loss_of(logits, {y: count / total for y, count in follows[pairs[i]].items()})
            touched += rows[0] + rows[1]
        for value in touched:
            value.grad = 0.0
        (loss / contexts).backward()
        rate = learning_rate * 0.5 * (1 + math.cos(math.pi * step / steps))
        for value in set(touched):
            value.data -= rate * value.grad
        progress(step + 1, steps)
    return SkipBigram(
        *(torch.tensor([[value.data for value in row] for row in table]) for table in (last_VV, before_VV))
    )
