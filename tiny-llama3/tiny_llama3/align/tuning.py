"""One loop for every method: a method gives losses, the loop moves the weights that it trains.

A method says what to learn from: `updates(step)` yields, for each move of the weights, the losses whose gradients add
up to that move. Supervised methods move once a step; PPO and GRPO write answers first, then move several times.
Everything random depends on nothing but seed and step, so a run that was killed goes on as if nothing had happened.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from tiny_llama3.problem import Problem
from tiny_llama3.schedule import rate_share


class Method(Protocol):
    """What `Tuner` needs of a method."""

    numbers: dict[str, float]  # of the last step, for the log

    @property
    def trained(self) -> nn.Module:
        """Of its weights, those that require a gradient move."""

    def updates(self, step: int) -> Iterator[Iterable[Tensor]]:
        """For each move the parts of its loss."""

    def measure(self) -> dict[str, float]:
        """On examples that are not learnt from."""


@dataclass(frozen=True)
class TuningConfig:
    """How far and how fast."""

    steps: int
    learning_rate: float
    warmup_steps: int = 5
    final_share: float = 0.1  # of the highest rate, at the end of the cosine
    clip_norm: float = 1.0
    weight_decay: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise Problem(f"steps must be 1 or more (got {self.steps}); change it")
        for name in ("learning_rate", "clip_norm"):
            if not 0 < getattr(self, name) < math.inf:
                raise Problem(f"{name} must be above 0 (got {getattr(self, name)}); change it")
        for name in ("final_share", "weight_decay"):
            if not 0 <= getattr(self, name) <= 1:
                raise Problem(f"{name} must be from 0 to 1 (got {getattr(self, name)}); change it")
        if self.warmup_steps < 0:
            raise Problem(f"warmup_steps must be 0 or more (got {self.warmup_steps}); change it")


class Tuner:
    """A method, its optimizer, and how far it has come."""

    def __init__(self, method: Method, config: TuningConfig) -> None:
        self.method, self.config, self.step = method, config, 0
        self.weights = {name: each for name, each in method.trained.named_parameters() if each.requires_grad}
        fused = next(iter(self.weights.values())).device.type in ("cpu", "cuda")
        self.optimizer = torch.optim.AdamW(self.weights.values(), lr=config.learning_rate, betas=(0.9, 0.95),
                                           weight_decay=config.weight_decay, fused=fused)  # fmt: skip

    def train_step(self) -> float:
        """One step of the method; returns its mean loss. Raises Problem if the loss is no number any more."""
        c = self.config
        losses = []
        for parts in self.method.updates(self.step):
            loss = 0.0
            for part in parts:
                part.backward()
                loss += float(part.detach())
            if not math.isfinite(loss):
                raise Problem(f"the loss became {loss} in step {self.step + 1}: the learning rate is too high; start "
                              "again with a lower --learning-rate")  # fmt: skip
            losses.append(loss)
            torch.nn.utils.clip_grad_norm_(self.weights.values(), c.clip_norm)
            warmup = min(c.warmup_steps, c.steps)
            self.optimizer.param_groups[0]["lr"] = c.learning_rate * rate_share(
                self.step + 1, c.steps, "cosine", warmup, 0.0, c.final_share
            )
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        return sum(losses) / max(len(losses), 1)

    def state(self) -> dict[str, Tensor]:
        """Copies from which `restore` goes on as if nothing had happened; the step is the caller's to keep, too."""
        tensors = {f"weight.{name}": weight for name, weight in self.weights.items()}
        for number, kept in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{name}": tensor for name, tensor in kept.items()}
        return {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}

    def restore(self, tensors: dict[str, Tensor], step: int) -> None:
        """Raises Problem if a tensor is missing or of another shape."""
        with torch.no_grad():
            for name, weight in self.weights.items():
                kept = tensors.get(f"weight.{name}")
                if kept is None or kept.shape != weight.shape:
                    raise Problem(f"the weight {name!r} is missing or of another shape; start anew in another folder")
                weight.copy_(kept)
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith("optimizer."):
                number, word = name.split(".")[1:]
                moments.setdefault(int(number), {})[word] = tensor.clone()
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": moments})
        self.step = step
