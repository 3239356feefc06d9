"""What a run is made of: its limits, the turns of the model, what came of calls, and the reasons to stop."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from tiny_agent.model import Message, Model, Reply
from tiny_agent.tools import Tool


class StopReason(StrEnum):
    """Why a run ended."""

    ANSWERED = "answered"
    STEP_LIMIT = "step limit"
    TOKEN_LIMIT = "token limit"
    TIME_LIMIT = "time limit"
    REPEATED_CALL = "repeated call"
    NO_PROGRESS = "no progress"  # replies that can't be read, again and again
    TRUNCATED = "truncated"
    DENIED = "denied"
    ERROR = "error"


@dataclass(frozen=True)
class Limits:
    """`repeats` equal calls, or `problems` unreadable replies in a row, end the run; `tool_s` bounds one tool."""

    steps: int = 12
    tokens: int = 100_000
    seconds: float = 300.0
    repeats: int = 3
    problems: int = 3
    denials: int = 3
    tool_s: float = 60.0
    context_tokens: int = 24_000


@dataclass(frozen=True)
class Call:
    """A tool that the model wants: `wrong` says why it can't be called as written."""

    name: str
    arguments: dict[str, Any] | str
    id: str = ""
    wrong: str = ""


@dataclass(frozen=True)
class Turn:
    """A reply, read: calls, or an answer, or a problem that the model is to put right."""

    reply: Reply
    calls: list[Call] = field(default_factory=list)
    answer: str | None = None
    problem: str = ""
    thought: str = ""


@dataclass(frozen=True)
class Done:
    """A call and what came of it. `failed` is error or denied, or empty."""

    call: Call
    output: str
    failed: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Step:
    turn: Turn
    done: list[Done]


@dataclass(frozen=True)
class Usage:
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Result:
    answer: str
    stop_reason: StopReason
    steps: list[Step]
    usage: Usage
    messages: list[Message] = field(default_factory=list)
    why: str = ""


class Engine(Protocol):
    """How a conversation begins, how a reply is read, and how the model is told of results."""

    def opening(self, question: str, tools: Sequence[Tool]) -> list[Message]: ...
    def ask(self, model: Model, messages: Sequence[Message], tools: Sequence[Tool]) -> Turn: ...
    def tell(self, turn: Turn, done: Sequence[Done]) -> list[Message]: ...
    def last_words(self) -> str: ...
