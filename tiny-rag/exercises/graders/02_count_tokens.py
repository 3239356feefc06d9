"""Compare with tiny_rag.tokens on texts of both languages."""

import random
from types import ModuleType

from tiny_shared.exercises import expect

from tiny_rag.tokens import count_tokens

WORDS = ["night", "observatory", "a", "12345678", "123456789", "天文台", "E23号"]
BETWEEN = ["20:00", "，", "。", "(", "!?", " ", "  ", "\n"]


def check(answer: ModuleType) -> None:
    for text in ("", " \n", "night", "observatory", "The observatory opens at 20:00.", "停电后22分钟。", "E23号"):
        expect(f"count_tokens({text!r})", answer.count_tokens(text), count_tokens(text))
    rng = random.Random(2)
    for _ in range(300):
        text = "".join(rng.choices(WORDS + BETWEEN, k=rng.randrange(1, 12)))
        expect(f"count_tokens({text!r})", answer.count_tokens(text), count_tokens(text))
