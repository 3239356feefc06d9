"""How well an engine does on questions with known answers: accuracy, steps, tokens, and why runs ended."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from tiny_agent.loop import Result

NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


@dataclass
class Score:
    """Means are over all questions; `stopped` counts the reasons."""

    questions: int = 0
    right: int = 0
    steps: int = 0
    tokens: int = 0
    stopped: Counter[str] = field(default_factory=Counter)
    wrong: list[dict[str, str]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        n = max(1, self.questions)
        return {"questions": self.questions, "accuracy": self.right / n, "steps": self.steps / n,
                "tokens": self.tokens / n, "stopped": dict(self.stopped), "wrong": self.wrong[:20]}  # fmt: skip


@dataclass(frozen=True)
class Question:
    id: str
    question: str
    answer: str


def questions(rows: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[Question]:
    """From objects with `question` and `answer` (GSM8K's as they are); ValueError names the place of another."""
    for number, (place, row) in enumerate(rows, 1):
        if not isinstance(row.get("question"), str) or not isinstance(row.get("answer"), (str, int, float)):
            raise ValueError(f'{place}: a question is {{"question": ..., "answer": ...}}')
        answer = str(row["answer"]).rpartition("####")[2].strip()
        yield Question(str(row.get("id", number)), row["question"], answer)


def is_right(said: str, wanted: str) -> bool:
    """The same text, or, where the wanted answer is a number, the same last number."""
    if said.strip().rstrip(".。").casefold() == wanted.strip().rstrip(".。").casefold():
        return True
    target = number(wanted) if NUMBER.fullmatch(wanted.strip()) else None
    found = NUMBER.findall(said)
    return target is not None and bool(found) and number(found[-1]) == target


def number(text: str) -> float:
    return float(text.replace(",", ""))


def evaluate(asked: Iterable[Question], answer: Callable[[str], Result], tick: Callable[[], object]) -> Score:
    score = Score()
    for question in asked:
        result = answer(question.question)
        score.questions += 1
        score.steps += len(result.steps)
        score.tokens += result.usage.prompt_tokens + result.usage.completion_tokens
        score.stopped[str(result.stop_reason)] += 1
        if is_right(result.answer, question.answer):
            score.right += 1
        else:
            score.wrong.append({**asdict(question), "said": result.answer})
        tick()
    return score
