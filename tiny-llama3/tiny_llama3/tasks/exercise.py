"""Exercises with a right answer, a typical mistake, and a check that decides from the texts alone.

Whether a prompt belongs to the training or the test split depends on nothing but its text, so no test prompt is ever
learnt from, whatever seed and count.
"""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass

from tiny_llama3.problem import Problem
from tiny_llama3.tasks import arithmetic, rewriting, verses

LANGUAGES = ("en", "zh")
TEST_ONE_IN = 8  # prompts
TRIES = 3000  # in a row that give nothing new, before the task counts as exhausted


@dataclass(frozen=True)
class Exercise:
    task: str
    language: str
    prompt: str
    answer: str  # right
    mistake: str  # wrong in the way of a learner


@dataclass(frozen=True)
class Task:
    make: Callable[[random.Random, str], tuple[str, str, str]]  # (chance, language) -> prompt, answer, mistake
    check: Callable[[str, str], bool | None]  # (prompt, answer); None: the prompt is of another task


TASKS = {
    "arithmetic": Task(arithmetic.make, arithmetic.check),
    "rewriting": Task(rewriting.make, rewriting.check),
    "verses": Task(verses.make, verses.check),
}


def exercises(task: str, language: str, count: int, seed: int = 0, split: str = "train") -> list[Exercise]:
    """So many exercises; a larger count only appends. In the test split no prompt comes twice.

    `task` may be all, `language` both. Raises Problem for other names, or where there aren't so many test prompts.
    """
    names = list(TASKS) if task == "all" else [task]
    languages = LANGUAGES if language == "both" else (language,)
    if names[0] not in TASKS:
        raise Problem(f"there is no task {task!r}; choose {', '.join(TASKS)} or all")
    if languages[0] not in LANGUAGES:
        raise Problem(f"there are no exercises in {language!r}; choose en, zh or both")
    if split not in ("train", "test"):
        raise Problem(f"split must be train or test (got {split!r}); change it")
    chance = random.Random(f"exercises {task} {language} {split} {seed}")
    made: list[Exercise] = []
    seen: set[str] = set()
    missed = 0
    while len(made) < count:
        name, spoken = chance.choice(names), chance.choice(languages)
        prompt, answer, mistake = TASKS[name].make(chance, spoken)
        missed += 1
        if missed > TRIES:
            raise Problem(f"{task} has only about {len(made)} prompts of the {split} split; ask for fewer")
        if is_test(prompt) != (split == "test") or (split == "test" and prompt in seen):
            continue
        missed = 0
        seen.add(prompt)
        made.append(Exercise(name, spoken, prompt, answer, mistake))
    return made


def is_test(prompt: str) -> bool:
    return hashlib.sha256(prompt.encode()).digest()[0] % TEST_ONE_IN == 0


def check(task: str, prompt: str, answer: str) -> bool:
    """Whether the answer is right. Raises Problem for a prompt that the task never gives."""
    if task not in TASKS:
        raise Problem(f"there is no task {task!r}; choose {', '.join(TASKS)}")
    verdict = TASKS[task].check(prompt, answer)
    if verdict is None:
        raise Problem(f"{prompt[:60]!r} is no exercise in {task}; give one of its prompts")
    return verdict
