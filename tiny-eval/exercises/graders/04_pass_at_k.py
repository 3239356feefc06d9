"""Compare with a walk over all sets of k programs, and with tiny_eval.metrics.pass_at_k where there are too many."""

from itertools import combinations
from types import ModuleType

from tiny_shared.exercises import expect

from tiny_eval.metrics.pass_at_k import pass_at_k


def check(answer: ModuleType) -> None:
    for n in range(1, 7):
        for c in range(n + 1):
            for k in range(1, n + 1):
                sets = [any(program < c for program in drawn) for drawn in combinations(range(n), k)]
                expect(f"pass_at_k({n}, {c}, {k})", answer.pass_at_k(n, c, k), sum(sets) / len(sets), 1e-12)
    for n, c, k in ((200, 3, 100), (1000, 1, 10), (200, 150, 100)):
        expect(f"pass_at_k({n}, {c}, {k})", answer.pass_at_k(n, c, k), pass_at_k(n, c, k), 1e-12)
