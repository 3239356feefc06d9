"""Compare with tiny_llama3.sampling, away from sums that rounding could push over p."""

import random
from itertools import accumulate
from types import ModuleType

import torch
from tiny_shared.exercises import expect

from tiny_llama3.sampling import Sampling, filtered


def check(answer: ModuleType) -> None:
    by_hand = [
        ([0.15, 0.5, 0.05, 0.3], 0.7, [0, 0.625, 0, 0.375], "0.3 reaches p, so it stays"),
        ([0.15, 0.5, 0.05, 0.3], 0.4, [0, 1, 0, 0], "the most likely one always stays"),
        ([0.25, 0.75], 0.75, [0, 1], "p or more is enough"),
        ([0.25, 0.5, 0.25], 0.7, [1 / 3, 2 / 3, 0], "of equal ones the smaller id comes first"),
        ([0.25, 0.5, 0.125, 0.125], 1.0, [0.25, 0.5, 0.125, 0.125], "p = 1 keeps all"),
        ([1.0], 0.3, [1], "one token"),
    ]
    for probabilities, p, wanted, why in by_hand:
        expect(f"({why}) top_p({probabilities}, {p})", answer.top_p(list(probabilities), p), wanted, 1e-9)
    rng = random.Random(6)
    for _ in range(100):
        logits = torch.tensor([[rng.gauss(0, 2) for _ in range(rng.randrange(1, 9))]], dtype=torch.float64)
        probabilities, p = logits.softmax(-1)[0].tolist(), round(rng.uniform(0.01, 0.999), 3)
        if any(abs(total - p) < 1e-6 for total in accumulate(sorted(probabilities, reverse=True))):
            continue
        got = answer.top_p(list(probabilities), p)
        wanted = filtered(logits, Sampling(temperature=1.0, top_p=p)).softmax(-1)[0].tolist()
        expect(f"top_p({[round(each, 4) for each in probabilities]}, {p})", got, wanted, 1e-9)
