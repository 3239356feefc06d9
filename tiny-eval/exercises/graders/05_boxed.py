"""Compare with the extractor `boxed` of tiny_eval.extraction."""

import random
from types import ModuleType

from tiny_shared.exercises import expect

from tiny_eval.extraction import extract

PIECES = [
    r"\boxed{42}", r"\boxed{\frac{1}{2}}", r"\boxed{ x^{2} }", r"\boxed{7", "so 3, then", "{set}", "\n",
    r"<think>perhaps \boxed{9}</think>", "<think>hm</think>",
]  # fmt: skip


def check(answer: ModuleType) -> None:
    rng = random.Random(5)
    outputs = ["", "no box", PIECES[0], PIECES[1], PIECES[2], PIECES[3], PIECES[7], r"\boxed{1} \boxed{2}"]
    outputs += [r"\boxed{1} <think>wait, \boxed{2}", r"\boxed{1} \boxed{2", r"<think>\boxed{1}</think> \boxed{3}"]
    outputs += [" ".join(rng.choices(PIECES, k=rng.randrange(1, 6))) for _ in range(200)]
    for output in outputs:
        found = extract(output, "boxed")
        expect(f"boxed({output!r})", answer.boxed(output), found.value if found else None)
