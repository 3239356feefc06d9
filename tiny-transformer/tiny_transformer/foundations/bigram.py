"""Bigram model (Markov 1913; Shannon 1948): the next character depends on the last one only. Counted, then learned.

Counting pairs gives the best such table at once. The same table can be learned: a one-layer net whose input is the
last character as a one-hot vector is a table too (the one picks a row), and gradient descent ends at the same loss.

Shapes: B items, T positions, V characters and the boundary.
"""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from .names import IGNORE, inputs_and_targets


class Bigram(nn.Module):
    """A table of logits: row = last character, column = next."""

    def __init__(self, logits_VV: torch.Tensor):
        super().__init__()
        self.logits_VV = nn.Parameter(logits_VV)

    def forward(self, ids_BT: torch.Tensor) -> torch.Tensor:
        return self.logits_VV[ids_BT]  # what one-hot vectors times the table would give


def count_pairs(items: Sequence[torch.Tensor], vocab_size: int) -> torch.Tensor:
    """How often each character follows each: (V, V), boundary included on both sides."""
    counts_VV = torch.zeros(vocab_size * vocab_size)
    for start in range(0, len(items), 1_000):
        inputs_BT, targets_BT = inputs_and_targets(items[start : start + 1_000])
        real = targets_BT != IGNORE
        counts_VV += torch.bincount(inputs_BT[real] * vocab_size + targets_BT[real], minlength=vocab_size**2)
    return counts_VV.view(vocab_size, vocab_size)


def by_counting(items: Sequence[torch.Tensor], vocab_size: int, smoothing: float = 1.0) -> Bigram:
    """Relative frequencies, after `smoothing` more of every pair: a pair never seen must not have probability 0."""
    if smoothing <= 0:
        raise ValueError(f"smoothing must be positive (got {smoothing}): an unseen pair would cost infinitely much")
    counts_VV = count_pairs(items, vocab_size) + smoothing
    return Bigram((counts_VV / counts_VV.sum(dim=1, keepdim=True)).log())


def by_learning(
    items: Sequence[torch.Tensor], vocab_size: int, smoothing: float = 1.0, steps: int = 300, learning_rate: float = 0.2
) -> Bigram:
    """The same table as a net: start from zeros, follow the gradient of the mean loss over all pairs.

    Equal pairs have equal losses, so each step takes every kind of pair once, weighted by how often it occurs.
    """
    counts_VV = count_pairs(items, vocab_size) + smoothing
    share_VV = counts_VV / counts_VV.sum()
    net = Bigram(torch.zeros(vocab_size, vocab_size))
    optimiser = torch.optim.Adam(net.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        optimiser.zero_grad()
        one_hot_VV = torch.eye(vocab_size)  # every character that can be the last one
        loss = -(share_VV * F.log_softmax(one_hot_VV @ net.logits_VV, dim=-1)).sum()
        loss.backward()
        optimiser.step()
        schedule.step()
    return net
