"""What the loop asks of a model: a conversation goes in, one reply comes out. Whoever does it - a server, our own small
model, a script in a test - needs one method."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Message = dict[str, Any]  # in the form of the chat interface: role, content, tool_calls, tool_call_id


class ModelFailed(Exception):
    """No reply came; the message says why. `truncated`: it came, but was cut off."""


@dataclass(frozen=True)
class ToolCall:
    """`arguments` is JSON as the model wrote it, which may be none."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Reply:
    """`finish_reason` is stop, tool_calls, or length; tokens are as the server counted them."""

    text: str
    tool_calls: list[ToolCall] = field(default_factory=list)
    finish_reason: str = "stop"
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Model(Protocol):
    """`on_piece` is given the text as it comes. Raises ModelFailed."""

    name: str

    def reply(
        self,
        messages: Sequence[Message],
        tools: Sequence[dict[str, Any]] = (),
        stop: Sequence[str] = (),
        on_piece: Callable[[str], object] | None = None,
    ) -> Reply: ...
