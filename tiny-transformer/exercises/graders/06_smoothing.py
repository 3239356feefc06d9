"""Compare with tiny_transformer.recipe."""

import math
import random
from types import ModuleType

import torch
from tiny_shared.exercises import expect

from tiny_transformer.recipe import smoothed_cross_entropy


def check(answer: ModuleType) -> None:
    rng = random.Random(6)
    cases = [([math.log(p) for p in (0.1, 0.7, 0.1, 0.1)], 1, smoothing) for smoothing in (0.0, 0.1, 0.5)]
    for case in range(50):
        size = 1000 if case % 5 == 4 else 3
        logits = [round(rng.uniform(-size, size), 2) for _ in range(rng.randrange(2, 7))]
        cases.append((logits, rng.randrange(len(logits)), rng.choice([0.0, 0.1, 0.3])))
    for logits, right, smoothing in cases:
        got = answer.smoothed_loss(list(logits), right, smoothing)
        tensor = torch.tensor([[logits]])
        wanted = smoothed_cross_entropy(tensor, torch.tensor([[right]]), -1, smoothing).item()
        expect(f"smoothed_loss({logits}, {right}, {smoothing})", got, wanted, 1e-4 * max(1.0, abs(wanted)))
