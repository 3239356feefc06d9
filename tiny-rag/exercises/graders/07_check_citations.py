"""Compare with tiny_rag.citations, on answers in which no space stands before a citation (it tidies those up)."""

import random
from types import ModuleType

from tiny_shared.exercises import expect

from tiny_rag.citations import check as checked

PIECES = ["The stair", "has steps", "[1]", "[2]", "[3]", "[4]", "[0]", "[12]", ".", "，石阶", "[note]", "[ ]", "x[2]y"]


def check(answer: ModuleType) -> None:
    rng = random.Random(7)
    answers = ["See[2][9], and[2].", "No citation.", "[7]", "[0]zero"]
    answers += ["".join(rng.choices(PIECES, k=rng.randrange(1, 9))).strip() for _ in range(200)]
    for text in answers:
        for n_passages in (0, 2, 3):
            found = checked(text, n_passages)
            wanted = (found.text, list(found.cited), list(found.removed))
            expect(f"check_citations({text!r}, {n_passages})", answer.check_citations(text, n_passages), wanted)
    spaced = "See [2][9], and [2]."
    expect(f"check_citations({spaced!r}, 3)", answer.check_citations(spaced, 3), ("See [2], and [2].", [2], [9]))
