"""Compare with tiny_transformer.masks."""

import random
from types import ModuleType

import torch
from tiny_shared.exercises import expect

from tiny_transformer.masks import causal_mask, padding_mask


def check(answer: ModuleType) -> None:
    rng = random.Random(2)
    cases = [([[5, 6, 7, 0]], 0), ([[0, 0]], 0), ([[1]], 0), ([[0, 7, 9], [7, 8, 8]], 7)]
    for _ in range(50):
        b, t = rng.randrange(1, 4), rng.randrange(1, 6)
        cases.append(([[rng.randrange(4) for _ in range(t)] for _ in range(b)], rng.randrange(4)))
    for ids, pad_id in cases:
        got = answer.mask([list(row) for row in ids], pad_id)
        wanted = causal_mask(len(ids[0])) & padding_mask(torch.tensor(ids), pad_id)[:, 0]
        expect(f"mask({ids}, {pad_id})", got, wanted.tolist())
