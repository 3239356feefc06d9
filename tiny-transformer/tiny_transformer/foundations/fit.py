"""What the rungs share: train a model of the next character, measure it, draw from it.

A model is a module whose forward turns ids (B, T) into logits (B, T, V): position t predicts token t + 1.

Shapes: B items, T positions, V characters and the boundary.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from .names import BOUNDARY, IGNORE, by_length, inputs_and_targets, shuffled_batches


@dataclass(frozen=True)
class Recipe:
    """AdamW with a linear warm-up and a cosine down to zero."""

    steps: int
    learning_rate: float
    tokens: int = 2_048  # of a batch
    weight_decay: float = 0.1
    warmup: float = 0.05  # share of the steps

    def __post_init__(self) -> None:
        if self.steps < 1 or self.tokens < 1 or self.learning_rate <= 0:
            raise ValueError(
                f"steps, tokens and learning_rate must be positive (got {self.steps}, {self.tokens}, "
                f"{self.learning_rate})"
            )
        if not 0 <= self.warmup <= 1 or self.weight_decay < 0:
            raise ValueError(f"warmup is a share, weight_decay not negative (got {self.warmup}, {self.weight_decay})")

    def rate_at(self, step: int) -> float:
        """The learning rate of step 0 … steps − 1."""
        rising = min(1.0, (step + 1) / max(1.0, self.warmup * self.steps))
        return self.learning_rate * rising * 0.5 * (1 + math.cos(math.pi * step / self.steps))


def loss_of(
    model: nn.Module, inputs_BT: torch.Tensor, targets_BT: torch.Tensor, reduction: str = "mean"
) -> torch.Tensor:
    """Cross entropy in nats over the targets that aren't padding."""
    logits_BTV = model(inputs_BT)
    return F.cross_entropy(logits_BTV.flatten(0, 1), targets_BT.flatten(), ignore_index=IGNORE, reduction=reduction)


def train(
    model: nn.Module,
    items: Sequence[torch.Tensor],
    recipe: Recipe,
    generator: torch.Generator,
    progress: Callable[[int, int], None] = lambda step, steps: None,
) -> None:
    """Train in place. Only matrices decay: a gain or a bias has no reason to be small."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(0.9, 0.99), fused=True)
    model.train()
    batches = shuffled_batches(items, recipe.tokens, generator)
    for step in range(recipe.steps):
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate_at(step)
        optimiser.zero_grad()
        loss_of(model, *next(batches)).backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        progress(step + 1, recipe.steps)
    model.eval()


@torch.no_grad()
def mean_loss(model: nn.Module, items: Sequence[torch.Tensor], tokens: int = 8_192) -> float:
    """Nats a token over all the items, each token counted once."""
    model.eval()
    total, count = 0.0, 0
    for batch in by_length(items, tokens):
        inputs_BT, targets_BT = inputs_and_targets(batch)
        total += loss_of(model, inputs_BT, targets_BT, reduction="sum").item()
        count += int((targets_BT != IGNORE).sum())
    return total / count


@torch.no_grad()
def draw(model: nn.Module, n: int, longest: int, generator: torch.Generator) -> list[list[int]]:
    """`n` items drawn from the model, without boundaries; one that doesn't stop is cut at `longest` characters."""
    model.eval()
    ids_BT = torch.full((n, 1), BOUNDARY)
    ended_B = torch.zeros(n, dtype=torch.bool)
    while ids_BT.shape[1] <= longest and not ended_B.all():
        next_B1 = torch.multinomial(model(ids_BT)[:, -1].softmax(-1), 1, generator=generator)
        ids_BT = torch.cat([ids_BT, next_B1], dim=1)
        ended_B |= next_B1[:, 0] == BOUNDARY
    rows = [row[1:] for row in ids_BT.tolist()]
    return [row[: row.index(BOUNDARY)] if BOUNDARY in row else row for row in rows]
