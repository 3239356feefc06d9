"""Ask every question once, many at a time, and keep every answer; what fails is written down as not measured.

    questions ──> N workers ──> journal      what is answered in the journal is not asked
                     │
                     └── failure: the item's row says "error"; it is asked again by the next run

The workers draw from one iterator, so no queue grows. A server that isn't there ends the run at its first question; one
that dies in the middle ends it after as many failures in a row as there are workers, threefold. Nothing is lost either
way: the same command goes on.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tiny_eval.problem import EvalProblem
from tiny_eval.running.journal import Journal
from tiny_eval.running.question import Answer, Model, NotAnswered, Question, key

Done = Callable[[Question, Answer | None, bool], object]


@dataclass(frozen=True)
class Limits:
    """`rate` is in requests a second; 0: none."""

    concurrency: int = 8
    rate: float = 0.0


class Stopped(EvalProblem):
    """The run can't go on; what was answered is kept."""


async def ask_all(
    model: Model,
    questions: Sequence[Question],
    journal: Journal,
    limits: Limits,
    done: Done = lambda question, answer, asked: None,
) -> dict[int, Answer | str]:
    """For each question, by its number, the answer, or why there is none.

    `done(question, answer, asked)` is told of each; `asked` is False where the journal knew.
    """
    found: dict[int, Answer | str] = {}
    names = [key(model, question) for question in questions]
    order = sorted(range(len(questions)), key=lambda number: names[number] in journal.sent)  # stable
    left = iter(order)
    gate = Gate(limits.rate)
    state = _State(3 * limits.concurrency)

    async def work() -> None:
        for number in left:
            question, name = questions[number], names[number]
            known = journal.answers.get(name)
            if known is not None:
                found[number] = Answer(**known)
                done(question, found[number], False)  # type: ignore[arg-type]
                continue
            await gate.pass_through()
            journal.sending(name)
            try:
                answer = await model.answer(question)
            except NotAnswered as error:
                state.failed(error)
                found[number] = str(error)
                done(question, None, True)
                continue
            state.succeeded()
            journal.add(name, answer.as_json())
            found[number] = answer
            done(question, answer, True)

    await _all_or_none(work, min(limits.concurrency, max(1, len(questions))))
    return found


async def _all_or_none(work: Callable[[], object], count: int) -> None:
    """All workers to their end; the first that fails stops the others, and its own error is raised."""
    tasks = [asyncio.ensure_future(work()) for _ in range(count)]  # type: ignore[call-overload]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _State:
    """When to give up on a server."""

    def __init__(self, patience: int) -> None:
        self.patience, self.in_a_row, self.any_success = patience, 0, False

    def succeeded(self) -> None:
        self.in_a_row, self.any_success = 0, True

    def failed(self, error: NotAnswered) -> None:
        if not error.hopeless:
            self.in_a_row = 0
            return
        self.in_a_row += 1
        if not self.any_success:
            raise Stopped(str(error))
        if self.in_a_row >= self.patience:
            raise Stopped(f"{error}; what was answered is kept, run the same command again")


class Gate:
    """Lets `rate` through a second, evenly; a burst of more would be a burst of refusals."""

    def __init__(self, rate: float) -> None:
        self.pause_s = 1 / rate if rate else 0.0
        self.next = 0.0

    async def pass_through(self) -> None:
        if not self.pause_s:
            return
        now = time.monotonic()
        self.next = max(self.next + self.pause_s, now)
        await asyncio.sleep(self.next - now)
