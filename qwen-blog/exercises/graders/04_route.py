"""The example of the text, then a whole layer with experts that answer with their own number."""

import math
from types import ModuleType

import torch
from tiny_shared.exercises import expect


def check(answer: ModuleType) -> None:
    logits = [math.log(5), 0.0, math.log(3), 0.0]
    expect(
        "the experts of the text, not normalised", shares(answer.route(logits, 2, False)), [[0, 0.5], [2, 0.3]], 1e-6
    )
    expect("the experts of the text, normalised", shares(answer.route(logits, 2, True)), [[0, 0.625], [2, 0.375]], 1e-6)
    expect("route([1000, 0], 1, False)", shares(answer.route([1000.0, 0.0], 1, False)), [[0, 1.0]], 1e-6)
    generator = torch.Generator().manual_seed(0)
    for experts, chosen, normalised in ((8, 2, True), (8, 2, False), (5, 5, True), (6, 1, False)):
        logits_E = torch.randn(experts, generator=generator) * 3
        probability_E = logits_E.softmax(-1)
        best = probability_E.topk(chosen)
        values = best.values / best.values.sum() if normalised else best.values
        wanted = sorted([int(expert), float(value)] for expert, value in zip(best.indices, values, strict=True))
        what = f"route of {experts} experts, {chosen} chosen{', normalised' if normalised else ''}"
        expect(what, shares(answer.route(logits_E.tolist(), chosen, normalised)), wanted, 1e-5)


def shares(got: dict[int, float]) -> list[list[float]]:
    return [[expert, share] for expert, share in sorted(got.items())]
