"""Before anything is sent: what would be, how much of it, and whether the order of the options decides.

A run of ten thousand requests with a wrong prompt costs as much as one with the right prompt. So look at three of them
in full, and at the sums.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tiny_eval.extraction import extract
from tiny_eval.problem import EvalProblem
from tiny_eval.running.items import LETTERS, shuffled_choices
from tiny_eval.running.plan import Asked, Settings, plan
from tiny_eval.running.question import Model
from tiny_eval.running.run import Prices
from tiny_eval.running.task import Fields, Task

SHOWN, PROBED = 3, 10
SECONDS_A_REQUEST = 1.0  # where nothing was measured yet


@dataclass(frozen=True)
class Preflight:
    """`new_requests` are those that no earlier run in the folder has had answered; tokens and cost are of these."""

    task: str
    model: str
    items: int
    requests: int
    new_requests: int
    prompt_tokens: int
    completion_tokens_at_most: int
    cost_at_most: float
    seconds: float
    cut_prompts: int
    prompts: list[str]
    request: dict[str, Any]


def preflight(
    task: Task,
    asked: Sequence[Asked],
    model: Model,
    known: Sequence[bool],
    prices: Prices,
    concurrency: int,
    seconds_a_request: float | None,
) -> Preflight:
    """`known` says for each question, in order, whether its answer is kept already."""
    questions = [question for each in asked for question in each.questions]
    new = [question for question, there in zip(questions, known, strict=True) if not there]
    prompt_tokens = sum(question.prompt.tokens for question in new)
    completion = sum(1 if question.continuation is not None else question.max_tokens for question in new)
    each_s = SECONDS_A_REQUEST if seconds_a_request is None else seconds_a_request
    firsts = [each.questions[0] for each in asked if each.repeat == 0]
    return Preflight(
        task.name, model.name, len(firsts), len(questions), len(new), prompt_tokens, completion,
        prices.of(prompt_tokens, completion), len(new) * each_s / concurrency,
        sum(question.prompt.cut > 0 for question in firsts),
        [question.prompt.text or question.continuation or "" for question in firsts[:SHOWN]],
        model.request(questions[0]),
    )  # fmt: skip


@dataclass(frozen=True)
class Shuffled:
    """Of `asked` questions so many kept their answer when their options stood in another order."""

    asked: int
    kept: int


async def shuffle_options(
    task: Task, items: Sequence[Fields], examples: Sequence[Fields], model: Model, settings: Settings
) -> Shuffled | None:
    """Ask ten questions twice; None for a task without options. A model that knows the answer keeps it."""
    chosen = [item for item in items if item.get("choices") and task.kind == "generate"][:PROBED]
    if not chosen:
        return None
    rng = random.Random(0)
    kept = asked = 0
    for item in chosen:
        order = list(range(len(item["choices"])))
        while order == sorted(order):
            rng.shuffle(order)
        turned = shuffled_choices(item, order)
        first = await _option(task, item, examples, model, settings)
        second = await _option(task, turned, examples, model, settings)
        if first is not None and second is not None:
            asked += 1
            kept += first == second
    return Shuffled(asked, kept)


async def _option(task: Task, item: Fields, examples: Sequence[Fields], model: Model, settings: Settings) -> str | None:
    """The text of the option that was chosen; None if there was no reading it."""
    (asked,) = plan(task, [item], examples, replace(settings, repeat=1))
    try:
        answer = await model.answer(asked.questions[0])
    except EvalProblem:
        return None
    found = extract(answer.text, task.extractor or "choice")
    letter = found.value[:1].upper() if found else ""
    place = LETTERS.find(letter) if letter else -1
    return item["choices"][place] if 0 <= place < len(item["choices"]) else None
