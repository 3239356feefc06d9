"""Compare with PyTorch's logsigmoid, in 64 bits."""

from types import ModuleType

import torch
from tiny_shared.exercises import expect
from torch.nn import functional


def check(answer: ModuleType) -> None:
    one = torch.tensor([[True, True]]), torch.tensor([[True, False]])
    chosen = torch.tensor([[-1.0, -1.0]]), torch.tensor([[-2.0, -2.0]])
    rejected = torch.tensor([[-3.0, -50.0]]), torch.tensor([[-2.0, -7.0]])
    got = float(answer.dpo_loss(*chosen, one[0], *rejected, one[1], 0.1))
    expect("dpo_loss of the pair in the text", got, 0.5544, 1e-3)
    got = float(answer.dpo_loss(*chosen, one[0], *chosen, one[0], 0.1))
    expect("dpo_loss of two equal answers", got, 0.6931, 1e-3)
    far = torch.tensor([[-1.0, 0.0]]), torch.tensor([[-2001.0, 0.0]])
    for name, first, second, wanted in (("good", far, rejected, 0.0), ("bad", rejected, far, 200.1)):
        got = float(answer.dpo_loss(*first, one[1], *second, one[1], 0.1))
        expect(f"dpo_loss of a {name} pair, 2000 nats apart", got, wanted, 1e-2)

    torch.manual_seed(9)
    for pairs, length, beta in [(1, 1, 0.5), (3, 4, 0.1), (5, 9, 1.0)]:
        four = [-torch.rand(pairs, length) * 5 for _ in range(4)]
        masks = [torch.rand(pairs, length) < 0.6 for _ in range(2)]
        ratios = [((four[2 * side] - four[2 * side + 1]).double() * masks[side]).sum(1) for side in range(2)]
        wanted = float(-functional.logsigmoid(beta * (ratios[0] - ratios[1])).mean())
        got = float(answer.dpo_loss(four[0].clone(), four[1].clone(), masks[0], four[2].clone(), four[3].clone(),
                                    masks[1], beta))  # fmt: skip
        expect(f"dpo_loss of {pairs} random pairs of {length} tokens, β = {beta}", got, wanted, 1e-4)
