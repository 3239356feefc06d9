"""Compare with both modules of tiny_eval.metrics."""

import random
from types import ModuleType

from tiny_shared.exercises import expect

from tiny_eval.metrics.rouge_google import rouge_1_google
from tiny_eval.metrics.rouge_pip import rouge_1_pip

PIECES = ["The", "the", "log", "log,", "Log.", "3.5", "lay", "lamp", "lamp.", "naïve", "owl-eyed"]


def check(answer: ModuleType) -> None:
    rng = random.Random(3)
    cases = [("The log, the lamp.", "the log"), ("the the the", "the"), ("owl", "moth"), ("3.5 m", "3 5 m")]
    for _ in range(200):
        pred, reference = (" ".join(rng.choices(PIECES, k=rng.randrange(1, 9))) for _ in range(2))
        cases.append((pred, reference))
    for pred, reference in cases:
        wanted = (rouge_1_google(pred, [reference]), rouge_1_pip(pred, [reference]))
        expect(f"rouge_1({pred!r}, {reference!r})", answer.rouge_1(pred, reference), wanted, 1e-11)
