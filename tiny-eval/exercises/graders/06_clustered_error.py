"""Compare with tiny_eval.stats.errors."""

import random
from types import ModuleType

from tiny_shared.exercises import expect

from tiny_eval.stats import clustered_error


def check(answer: ModuleType) -> None:
    rng = random.Random(6)
    cases = [([1.0, 1, 0, 0], list("aabb")), ([1.0, 1, 0, 0], list("abab")), ([1.0, 1, 0, 0], list("abcd"))]
    for _ in range(100):
        n = rng.randrange(3, 12)
        cases.append(([float(rng.random()) for _ in range(n)], ["a", "b", *rng.choices("abc", k=n - 2)]))
    for scores, documents in cases:
        got = answer.clustered_error(list(scores), list(documents))
        expect(f"clustered_error({scores}, {documents})", got, clustered_error(scores, documents), 1e-12)
