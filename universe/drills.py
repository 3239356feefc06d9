"""Text that says everything two to four times, from which a model learns to copy.

In ordinary text little comes again word for word, and a small model needs many millions of tokens until its attention
finds "what came after this the last time" (an induction head: Olsson et al. 2022, arXiv:2209.11895). Where everything
comes again at once, about a million do. A model that copies can answer from a text that it is given, which is all that
a model of a million parameters can honestly do.
"""

import random
from collections.abc import Iterator, Sequence

SYLLABLES = [
    a + b + c for a in "b c d f g h k l m n p r s t v w z".split() for b in "aeiou" for c in ("", "n", "r", "s")
]


def drills(words: Sequence[str], count: int, seed: int) -> Iterator[str]:
    """`words` are those of real texts; half are drawn from them, the others are invented or numbers."""
    chance = random.Random(f"drills {seed}")
    for _ in range(count):
        said = " ".join(_word(words, chance) for _ in range(chance.randint(3, 16)))
        yield " ".join([said] * chance.randint(2, 4))


def _word(words: Sequence[str], chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.5 and words:
        return chance.choice(words)[:30]
    if kind < 0.8:
        return "".join(chance.choices(SYLLABLES, k=chance.choice((1, 2, 3))))
    return str(chance.randint(0, 10 ** chance.randint(1, 4)))
