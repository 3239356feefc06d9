"""Compare with tiny_eval.stats.mcnemar."""

import random
from types import ModuleType

from tiny_shared.exercises import expect

from tiny_eval.stats import mcnemar


def check(answer: ModuleType) -> None:
    rng = random.Random(7)
    cases = [([1] * 8 + [0, 0], [0] * 8 + [1, 1]), ([1, 0], [1, 0]), ([1, 0], [0, 1]), ([1] * 5, [0] * 5)]
    for _ in range(100):
        n, bias = rng.randrange(1, 60), rng.random()
        cases.append(([int(rng.random() < bias) for _ in range(n)], [int(rng.random() < 0.5) for _ in range(n)]))
    for a, b in cases:
        expect(f"mcnemar({a}, {b})", answer.mcnemar(list(a), list(b)), mcnemar(a, b).p, 1e-9)
