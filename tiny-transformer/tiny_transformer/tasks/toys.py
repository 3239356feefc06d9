"""The smallest possible sequence-to-sequence tasks: copy, reverse and sort a few letters."""

import random
from collections.abc import Callable

from tiny_transformer.characters import Characters
from tiny_transformer.tasks.task import Task, Texts

LETTERS = "abcdefghijklmnop"
LONGEST = 12


def toy_task(name: str, seed: int = 0) -> Task:
    """`name` is copy, reverse or sort; 10,000 strings to train on, 500 others for validation, 500 for the test."""
    changed: dict[str, Callable[[str], str]] = {
        "copy": str,
        "reverse": lambda text: text[::-1],
        "sort": lambda text: "".join(sorted(text)),
    }
    if name not in changed:
        raise ValueError(f"no toy task {name!r}; there are {', '.join(changed)}")
    rng = random.Random(f"{name} {seed}")
    texts: set[str] = set()
    while len(texts) < 11_000:
        texts.add("".join(rng.choices(LETTERS, k=rng.randint(3, LONGEST))))
    pairs: list[Texts] = [(text, changed[name](text)) for text in sorted(texts)]
    rng.shuffle(pairs)
    letters = Characters(LETTERS)
    return Task(
        name=name,
        metric="exact_match",
        train=pairs[1_000:],
        valid=pairs[500:1_000],
        test=pairs[:500],
        source_vocabulary=letters,
        target_vocabulary=letters,
        model={"d_model": 64, "n_heads": 4, "n_layers": 2, "d_ff": 128, "dropout": 0.0, "max_len": 64},
        training={"epochs": 12, "batch_tokens": 1024, "warmup_steps": 200, "average": 1},
    )
