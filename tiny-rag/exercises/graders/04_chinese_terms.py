"""Compare with the pairs of tiny_rag.analysis."""

import random
from types import ModuleType

from tiny_shared.exercises import expect

from tiny_rag.analysis import pairs
from tiny_rag.stopwords import CHINESE_PARTICLES

CHARACTERS = "天文台灯笼山猫钟星夜的了是在和与之于吗呢"


def check(answer: ModuleType) -> None:
    rng = random.Random(4)
    runs = ["", "钟", "天文台", "天文台的钟", "的的", "天天天"]
    runs += ["".join(rng.choices(CHARACTERS, k=rng.randrange(1, 15))) for _ in range(100)]
    for run in runs:
        wanted = [pair for pair in pairs(run) if not CHINESE_PARTICLES.intersection(pair)]
        expect(f"content_pairs({run!r})", answer.content_pairs(run), wanted)
