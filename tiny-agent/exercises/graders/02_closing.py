"""Compare with the parser's own, on objects cut off and spoilt at random."""

import json
import random
from types import ModuleType

from tiny_shared.exercises import expect

from tiny_agent.react import _closing


def check(answer: ModuleType) -> None:
    rng = random.Random(2)
    pieces = ["a", "}", "{", "]", '"', "'", "\\", "it's", 'say "x"', "[", "字"]
    for _ in range(300):
        value = {"".join(rng.choices(pieces, k=2)): ["".join(rng.choices(pieces, k=3)), {"b": rng.randrange(9)}]}
        text = rng.choice([json.dumps(value, ensure_ascii=False), repr(value)]) + rng.choice(
            ["", " and more", "}}", "\n"]
        )
        text = text[: rng.choice([len(text), rng.randrange(1, len(text))])]
        expect(f"closing({text!r})", answer.closing(text), _closing(text))
