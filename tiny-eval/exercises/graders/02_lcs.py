"""Compare with tiny_eval.metrics.lcs."""

import random
from types import ModuleType

from tiny_shared.exercises import expect

from tiny_eval.metrics.lcs import lcs_length


def check(answer: ModuleType) -> None:
    rng = random.Random(2)
    cases = [("the night log lay there".split(), "the log lay".split()), ([], ["owl"]), (list("abc"), list("cba"))]
    cases += [(rng.choices("abcd", k=rng.randrange(12)), rng.choices("abcd", k=rng.randrange(12))) for _ in range(200)]
    cases += [(rng.choices("abcdefgh", k=300), rng.choices("abcdefgh", k=280))]
    for a, b in cases:
        expect(f"lcs_length({a}, {b})", answer.lcs_length(list(a), list(b)), lcs_length(a, b))
