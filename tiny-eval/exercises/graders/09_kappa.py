"""Compare with tiny_eval.judging.card.kappa."""

import random
from types import ModuleType

from tiny_shared.exercises import expect

from tiny_eval.judging.card import kappa


def check(answer: ModuleType) -> None:
    rng = random.Random(9)
    cases = [[], [("A", "A")], [("A", "B")], [("A", "A"), ("B", "B")], [("A", "A")] * 9 + [("A", "B")]]
    for _ in range(80):
        bias, n = rng.random(), rng.randrange(1, 40)
        cases.append([(rng.choice("ABt"), "A" if rng.random() < bias else rng.choice("ABt")) for _ in range(n)])
    for pairs in cases:
        expect(f"kappa({pairs})", answer.kappa(list(pairs)), kappa(pairs), 1e-9)
