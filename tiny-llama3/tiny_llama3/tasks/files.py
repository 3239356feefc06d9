"""Exercises as rows of the chat files (align/chat_files.py)."""

import random
from collections.abc import Iterator, Sequence
from typing import Any

from tiny_llama3.problem import Problem
from tiny_llama3.tasks.exercise import Exercise


def as_rows(exercises: Sequence[Exercise], kind: str, mistakes: float = 0.0, seed: int = 0) -> Iterator[dict[str, Any]]:
    """kind: chats, pairs or prompts. `mistakes` is the share of chats that end with the wrong answer."""
    if kind not in ("chats", "pairs", "prompts"):
        raise Problem(f"kind must be chats, pairs or prompts (got {kind!r}); change it")
    chance = random.Random(f"mistakes {seed}")
    for each in exercises:
        prompt = [{"role": "user", "content": each.prompt}]
        if kind == "pairs":
            yield {"prompt": prompt, "chosen": each.answer, "rejected": each.mistake}
        elif kind == "prompts":
            yield {"prompt": prompt, "answer": each.answer}
        else:
            written = each.mistake if chance.random() < mistakes else each.answer
            yield {"messages": [*prompt, {"role": "assistant", "content": written}]}
