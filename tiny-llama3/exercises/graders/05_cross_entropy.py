"""Compare with PyTorch's cross-entropy, in 64 bits."""

import math
from types import ModuleType

import torch
from tiny_shared.exercises import expect
from torch.nn import functional


def check(answer: ModuleType) -> None:
    equal, bytes_of = torch.zeros(1, 3, 4), torch.tensor([1, 1, 3, 5])
    loss = math.log(4)
    for ids, rule in [([2, 0, 1], "all count"), ([2, -100, 1], "-100 is ignored")]:
        got = float(answer.cross_entropy(equal.clone(), torch.tensor([ids])))
        expect(f"cross_entropy of equal logits of 4 tokens, targets {ids} ({rule})", got, loss, 1e-4)
    got = float(answer.bits_per_byte(equal.clone(), torch.tensor([[2, -100, 1]]), bytes_of))
    expect("bits_per_byte of equal logits, targets [2, -100, 1], tokens of 1, 1, 3, 5 bytes", got, 1.0, 1e-4)
    got = float(answer.cross_entropy(torch.tensor([[[1000.0, 0, -1000]]]), torch.tensor([[1]])))
    expect("cross_entropy of the logits [1000, 0, -1000], target 1", got, 1000.0, 1e-2)

    torch.manual_seed(5)
    for b, t, v, size in [(1, 1, 2, 1), (2, 3, 5, 1), (3, 4, 7, 4), (2, 6, 150, 1), (2, 5, 4, 300)]:
        logits, targets = size * torch.randn(b, t, v), torch.randint(v, (b, t))
        targets[torch.rand(b, t) < 0.4] = -100
        targets[0, 0] = v - 1
        lengths = torch.randint(1, 9, (v,))
        summed = functional.cross_entropy(logits.double().flatten(0, 1), targets.flatten(), reduction="sum").item()
        counted = targets != -100
        what = f"{b} rows of {t} positions, {v} tokens, targets {targets.tolist()}"
        got, wanted = float(answer.cross_entropy(logits.clone(), targets.clone())), summed / int(counted.sum())
        expect(f"cross_entropy of {what}", got, wanted, 1e-4 * max(1.0, wanted))
        wanted = summed / math.log(2) / int(lengths[targets[counted]].sum())
        got = float(answer.bits_per_byte(logits.clone(), targets.clone(), lengths.clone()))
        expect(f"bits_per_byte of {what}", got, wanted, 1e-4 * max(1.0, wanted))
