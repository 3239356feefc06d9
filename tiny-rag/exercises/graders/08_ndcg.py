"""Compare with tiny_rag.evaluation."""

import random
from types import ModuleType

from tiny_shared.exercises import expect

from tiny_rag.evaluation import ndcg


def check(answer: ModuleType) -> None:
    rng = random.Random(8)
    cases: list[tuple[list[float], list[float], int]] = [([0, 1, 0, 1, 0], [1, 1, 1], 10), ([], [1], 10), ([1], [], 10)]
    for _ in range(100):
        ideal = [float(rng.choice([1, 1, 2, 3])) for _ in range(rng.randrange(1, 15))]
        found = rng.sample(ideal, rng.randrange(len(ideal) + 1)) + [0.0] * rng.randrange(6)
        rng.shuffle(found)
        cases.append((found, ideal, rng.choice([1, 3, 10])))
    for gains, best, depth in cases:
        got = answer.ndcg(list(gains), list(best), depth)
        expect(f"ndcg({gains}, {best}, {depth})", got, ndcg(gains, best, depth), 1e-9)
