"""Compare with tiny_eval.metrics.qa_f1."""

import random
from types import ModuleType

from tiny_shared.exercises import expect

from tiny_eval.metrics.qa_f1 import f1

WORDS = ["lantern", "stair", "dome", "owl"]


def check(answer: ModuleType) -> None:
    rng = random.Random(1)
    cases = [
        (["dome"], ["dome"]),
        ([], ["dome"]),
        (["dome"], []),
        ([], []),
        (["owl"], ["dome"]),
        (["owl"] * 3, ["owl"]),
    ]
    cases += [(rng.choices(WORDS, k=rng.randrange(7)), rng.choices(WORDS, k=rng.randrange(7))) for _ in range(200)]
    for predicted, expected in cases:
        got = answer.f1(list(predicted), list(expected))
        expect(f"f1({predicted}, {expected})", got, f1(predicted, expected).f, 1e-12)
