"""The ledger: what every message costs, what was left out of a request, and why.

A model reads the whole conversation at every step, so step 12 pays for the outputs of steps 1 to 11. When they don't
fit any more, the oldest results are replaced by a note; the question, the instructions and the last steps stay. A call
and its results are one group: an interface refuses one without the other.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tiny_agent.model import Message

PIECE = re.compile(r"[\u3400-\u9fff]|[^\W\d_\u3400-\u9fff]{1,4}|\d{1,3}|[^\w\s]|_")
KEPT_GROUPS = 2  # the last ones, whatever they cost
LONGEST_OUTPUT = 6000  # characters of a result that go into the context
A_MESSAGE = 4  # tokens around every message


def tokens_of(text: str) -> int:
    """An estimate: Chinese by the character, words in pieces of four letters. Servers count their own."""
    return len(PIECE.findall(text))


def cost(message: Message) -> int:
    calls = "".join(
        call["function"]["name"] + call["function"]["arguments"] for call in message.get("tool_calls") or []
    )
    return A_MESSAGE + tokens_of(str(message.get("content") or "")) + tokens_of(calls)


@dataclass
class Ledger:
    """`messages` is everything; `fitting()` is what goes into the next request."""

    messages: list[Message]
    most_tokens: int
    dropped: list[str] = field(default_factory=list)  # what the last request went without, and why

    def add(self, messages: Sequence[Message]) -> None:
        self.messages.extend(messages)

    def fitting(self) -> list[Message]:
        """Everything, or, from the oldest step on, notes in place of results until it fits."""
        groups = list(self._groups())
        total = sum(cost(message) for group in groups for message in group)
        self.dropped = []
        first = next((place for place, group in enumerate(groups) if _is_step(group)), len(groups))
        for place in range(first, len(groups) - KEPT_GROUPS):
            if total <= self.most_tokens:
                break
            short = [_noted(message) for message in groups[place]]
            saved = sum(map(cost, groups[place])) - sum(map(cost, short))
            if saved > 0:
                self.dropped.append(
                    f"the results of step {place - first + 1}: {saved} tokens, to fit {self.most_tokens}"
                )
                groups[place], total = short, total - saved
        return [message for group in groups for message in group]

    def _groups(self) -> Iterator[list[Message]]:
        """A reply and what it was told in return; every other message by itself."""
        group: list[Message] = []
        for message in self.messages:
            if message["role"] == "tool" or (group and _is_result(message)):
                group.append(message)
                continue
            if group:
                yield group
            group = [message]
        if group:
            yield group


def _is_result(message: Message) -> bool:
    return message["role"] == "user" and str(message.get("content")).startswith("Observation:")


def _is_step(group: Sequence[Message]) -> bool:
    return group[0]["role"] == "assistant"


def _noted(message: Message) -> Message:
    if message["role"] == "assistant":
        return message
    content = str(message["content"])
    if len(content) < 120:
        return message
    head = "Observation: " if content.startswith("Observation:") else ""
    return message | {"content": f"{head}[left out to save space: {tokens_of(content)} tokens, beginning with: "
                      f"{content.removeprefix(head)[:60]!r}]"}  # fmt: skip


class Shelf:
    """Long outputs are cut for the context and kept here; the model can read on with the handle."""

    def __init__(self, longest: int = LONGEST_OUTPUT) -> None:
        self.longest, self.texts = longest, dict[str, str]()

    def shorten(self, output: str) -> str:
        if len(output) <= self.longest:
            return output
        handle = f"output-{len(self.texts) + 1}"
        self.texts[handle] = output
        left = len(output) - self.longest
        return (f"{output[: self.longest]}\n[cut: {left:,} of {len(output):,} characters are left; "
                f"read_more with handle {handle!r} and start {self.longest} goes on]")  # fmt: skip

    def read(self, handle: str, start: int) -> str:
        """KeyError if there is no such handle."""
        text = self.texts[handle]
        part = text[start : start + self.longest]
        left = len(text) - start - len(part)
        return part + (f"\n[{left:,} characters are left; go on with start {start + len(part)}]" if left > 0 else "")
