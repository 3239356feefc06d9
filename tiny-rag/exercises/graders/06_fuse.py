"""Compare with tiny_rag.hybrid."""

from types import ModuleType

import numpy as np
from tiny_shared.exercises import expect

from tiny_rag.hybrid import fuse


def check(answer: ModuleType) -> None:
    rng = np.random.default_rng(6)
    cases = [(np.array([6.0, 4, 3, 2, 0]), np.array([0.2, 0.6, 0.3, 0, 0.4]))]
    cases += [(np.zeros(4), np.array([0.1, 0.2, 0.3, 0.4])), (np.array([1.0, 2, 3]), np.full(3, 0.5))]
    cases += [(rng.random(n) * 20, rng.random(n)) for n in (2, 10, 100)]
    for keyword, dense in cases:
        for weight in (0.0, 0.3, 1.0):
            everyone = np.arange(len(keyword))
            wanted = fuse(keyword, everyone, dense, float(dense.mean()), float(dense.std()), weight)
            question = f"fuse({keyword.tolist()}, {dense.tolist()}, {weight})"
            expect(question, answer.fuse(keyword.copy(), dense.copy(), weight), wanted, 1e-9)
