"""What is asked and what came back: one request of one item, and its key in the journal.

The key is a digest of everything that decides the answer: who is asked, the exact request, and which repetition it is.
So a changed prompt is a new question, and an unchanged one is never asked twice.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from tiny_eval.problem import EvalProblem
from tiny_eval.running.prompt import Prompt
from tiny_eval.running.task import Fields

Json = dict[str, Any]


@dataclass(frozen=True)
class Question:
    """A text is wanted, or, with `continuation`, how likely the model finds it after the prompt.

    `part` numbers the questions of one item: one for each option of a choice by log-likelihood.
    """

    item: Fields
    prompt: Prompt
    max_tokens: int = 256
    temperature: float = 0.0
    stop: tuple[str, ...] = ()
    continuation: str | None = None
    repeat: int = 0
    part: int = 0
    seed: int | None = None


@dataclass(frozen=True)
class Answer:
    """`logprobs` are those of the continuation's tokens; tokens are as the server counted them."""

    text: str = ""
    finish_reason: str = "stop"
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    logprobs: list[float] = field(default_factory=list)

    def as_json(self) -> Json:
        return {name: value for name, value in asdict(self).items() if value or name == "text"}


class NotAnswered(EvalProblem):
    """No answer came, for good; the item is not measured. `hopeless`: no other question can fare better."""

    def __init__(self, message: str, hopeless: bool = False) -> None:
        super().__init__(message)
        self.hopeless = hopeless


class Model(Protocol):
    """Whoever answers. `identity` stands for it in the journal: all that decides its answers."""

    name: str
    identity: str

    def request(self, question: Question) -> Json:
        """The exact request, or what stands for it."""

    async def answer(self, question: Question) -> Answer:
        """Raises NotAnswered; any other EvalProblem ends the run."""


def key(model: Model, question: Question) -> str:
    said = [model.identity, model.request(question), question.repeat]
    text = json.dumps(said, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
