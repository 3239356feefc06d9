"""Chats, preference pairs and labelled texts from JSON Lines; whatever is wrong is named with its line.

Chats may also be in Alpaca's form or in ShareGPT's, and a file may be one JSON array, as these often are.

{"instruction": "…", "input": "…", "output": "…"}                                       Alpaca
{"conversations": [{"from": "human", "value": "…"}, {"from": "gpt", "value": "…"}]}     ShareGPT
{"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}
{"prompt": [{"role": "user", "content": "…"}], "chosen": "…", "rejected": "…"}
{"prompt": [{"role": "user", "content": "…"}], "answer": "…"}        for rewards; the answer may be missing
{"text": "…", "label": "…"}
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tiny_llama3.chat_template import ROLES, Message
from tiny_llama3.problem import Problem

Row = TypeVar("Row")


@dataclass(frozen=True)
class Pair:
    """Two answers to one prompt, the first the better one."""

    prompt: tuple[Message, ...]
    chosen: str
    rejected: str


@dataclass(frozen=True)
class Prompt:
    """Something to be answered, and what is right, where one answer is."""

    prompt: tuple[Message, ...]
    answer: str | None = None


@dataclass(frozen=True)
class Labelled:
    text: str
    label: str


def read_chats(path: Path) -> list[tuple[Message, ...]]:
    return _rows(path, lambda row: _conversation(_field(_as_messages(row), "messages", list)))


def read_pairs(path: Path) -> list[Pair]:
    return _rows(path, _pair)


def read_prompts(path: Path) -> list[Prompt]:
    """Chats are prompts, too: the last answer is what should be written, the rest asks for it."""
    return _rows(path, _prompt)


def read_labelled(path: Path) -> list[Labelled]:
    return _rows(path, lambda row: Labelled(_text(row, "text"), _text(row, "label")))


def _lines(data: bytes) -> list[bytes]:
    """JSON Lines, or the entries of one JSON array."""
    if data.lstrip()[:1] == b"[":
        try:
            return [json.dumps(row).encode() for row in json.loads(data)]
        except (ValueError, RecursionError):
            pass  # the line with the mistake is named below
    return data.splitlines()


def _rows(path: Path, parse: Callable[[dict[str, Any]], Row]) -> list[Row]:
    """Raises Problem with the line's number for a line that isn't JSON or doesn't hold what it should."""
    try:
        lines = _lines(path.read_bytes())
    except OSError as error:
        raise Problem(f"{path.as_posix()} can't be read ({error.strerror}); check the path") from None
    rows = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if not isinstance(row, dict):
                raise Problem(f"a JSON object is needed (got {str(row)[:40]!r})")
            rows.append(parse(row))
        except UnicodeDecodeError:
            raise Problem(f"{path.as_posix()}, line {number}: not UTF-8; save the file as UTF-8") from None
        except (ValueError, RecursionError) as error:  # a Problem is a ValueError, as JSON's own errors are
            reason = str(error) if isinstance(error, Problem) else f"not JSON ({error})"
            raise Problem(f"{path.as_posix()}, line {number}: {reason}; correct the line") from None
    if not rows:
        raise Problem(f"{path.as_posix()} is empty; give at least one line")
    return rows


SHAREGPT = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "system": "system"}


def _as_messages(row: dict[str, Any]) -> dict[str, Any]:
    """Alpaca's and ShareGPT's forms as messages; another row as it is."""
    if "messages" in row:
        return row
    if isinstance(row.get("conversations"), list):
        turns = [turn if isinstance(turn, dict) else {} for turn in row["conversations"]]
        messages = [{"role": SHAREGPT.get(str(turn.get("from")), turn.get("from")), "content": turn.get("value")}
                    for turn in turns]  # fmt: skip
        system = row.get("system")
        return {"messages": [*([{"role": "system", "content": system}] if system else []), *messages]}
    if isinstance(row.get("instruction"), str) and "output" in row:
        more = row.get("input")
        question = f"{row['instruction']}\n\n{more}" if isinstance(more, str) and more.strip() else row["instruction"]
        return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": row["output"]}]}
    return row


def _conversation(messages: Sequence[Any]) -> tuple[Message, ...]:
    """A chat that ends with an answer."""
    read = _messages(messages)
    if not read or read[-1].role != "assistant":
        raise Problem("the last message must be the assistant's, or there is nothing to learn")
    return read


def _messages(messages: Sequence[Any]) -> tuple[Message, ...]:
    read: list[Message] = []
    for place, message in enumerate(messages, 1):
        if not isinstance(message, dict):
            raise Problem(f"message {place} must be an object with role and content (got {str(message)[:40]!r})")
        role, content = message.get("role"), message.get("content")
        if role not in ROLES:
            raise Problem(f"message {place}: role must be {', '.join(ROLES[:-1])} or {ROLES[-1]} (got {role!r})")
        if not isinstance(content, str):
            raise Problem(f"message {place}: content must be text (got {str(content)[:40]!r})")
        if not content.strip():
            raise Problem(f"message {place}: the {role}'s content is empty")
        if read and read[-1].role == role:
            raise Problem(f"message {place}: the {role} speaks twice in a row")
        if role == "system" and read:
            raise Problem(f"message {place}: the system speaks first or not at all")
        read.append(Message(role, content))
    return tuple(read)


def _question(row: dict[str, Any]) -> tuple[Message, ...]:
    value = row.get("prompt")
    messages = [{"role": "user", "content": value}] if isinstance(value, str) else value
    if not isinstance(messages, list):
        raise Problem(f"'prompt' must be a list of messages (got {str(value)[:40]!r})")
    read = _messages(messages)
    if not read or read[-1].role != "user":
        raise Problem("the prompt must end with a message of the user")
    return read


def _pair(row: dict[str, Any]) -> Pair:
    pair = Pair(_question(row), _text(row, "chosen"), _text(row, "rejected"))
    if pair.chosen.strip() == pair.rejected.strip():
        raise Problem("'chosen' and 'rejected' are the same, so nothing is preferred")
    return pair


def _prompt(row: dict[str, Any]) -> Prompt:
    if "messages" in (row := _as_messages(row)):
        *question, last = _conversation(_field(row, "messages", list))
        if not question:
            raise Problem("nobody asks: the assistant's message is the only one")
        return Prompt(tuple(question), last.content)
    answer = row.get("answer", row.get("chosen"))
    if answer is not None and not isinstance(answer, str):
        raise Problem(f"'answer' must be text (got {str(answer)[:40]!r})")
    return Prompt(_question(row), answer)


def _text(row: dict[str, Any], name: str) -> str:
    text = _field(row, name, str)
    if not text.strip():
        raise Problem(f"{name!r} is empty")
    return str(text)


def _field(row: dict[str, Any], name: str, kind: type) -> Any:
    if name not in row:
        raise Problem(f"{name!r} is missing (there is {', '.join(map(repr, row)) or 'nothing'})")
    if not isinstance(row[name], kind):
        wanted = "text" if kind is str else "a list"
        raise Problem(f"{name!r} must be {wanted} (got {str(row[name])[:40]!r})")
    return row[name]
