"""Llama 3's chat format: who speaks is written into the text, with special tokens that no text of a user can contain.

    <|begin_of_text|><|start_header_id|>user<|end_header_id|>

    What is 2 + 3?<|eot_id|><|start_header_id|>assistant<|end_header_id|>

    5<|eot_id|>

Only what the assistant says is learnt: the tokens of its message and the <|eot_id|> with which it stops speaking. The
header in front of it is put there by whoever asks, so the model never has to predict it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from tiny_llama3.problem import Problem
from tiny_llama3.tokenizer import Tokenizer

BEGIN, HEADER, HEADER_END, TURN_END = "<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"
ROLES = ("system", "user", "assistant")

# The same in Jinja, for tokenizer_config.json: with it `transformers` writes a chat of our models as we do.
JINJA = (
    "{% for message in messages %}{% set turn = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'"
    " + message['content'] | trim + '<|eot_id|>' %}{% if loop.first %}{% set turn = bos_token + turn %}{% endif %}"
    "{{ turn }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)


@dataclass(frozen=True)
class Message:
    role: str  # one of ROLES
    content: str


@dataclass(frozen=True)
class Chat:
    """A conversation in tokens; `learnt` is True where the assistant wrote the token. Both have T entries."""

    ids: list[int]
    learnt: list[bool]


def chat_text(messages: Sequence[Message], add_generation_prompt: bool = False) -> str:
    """The whole conversation as one text; with `add_generation_prompt` it ends where the assistant begins to write."""
    text = BEGIN if messages else ""
    text += "".join(header(message.role) + message.content.strip() + TURN_END for message in messages)
    return text + (header("assistant") if add_generation_prompt else "")


def header(role: str) -> str:
    return f"{HEADER}{role}{HEADER_END}\n\n"


def encode_chat(tokenizer: Tokenizer, messages: Sequence[Message], add_generation_prompt: bool = False) -> Chat:
    """The tokens of `chat_text`, and which of them are the assistant's.

    A message that contains the name of a special token stays text: it can't end its turn and speak as somebody else.
    """
    ids = [special_id(tokenizer, BEGIN)] if messages else []
    learnt = [False] * len(ids)

    def add(new: list[int], is_learnt: bool) -> None:
        ids.extend(new)
        learnt.extend([is_learnt] * len(new))

    for message in messages:
        add(_header_ids(tokenizer, message.role), False)
        written = [*tokenizer.encode(message.content.strip()), special_id(tokenizer, TURN_END)]
        add(written, message.role == "assistant")
    if add_generation_prompt:
        add(_header_ids(tokenizer, "assistant"), False)
    return Chat(ids, learnt)


def to_json(messages: Sequence[Message]) -> str:
    """The list of messages, as in the chat files."""
    return json.dumps([{"role": each.role, "content": each.content} for each in messages], ensure_ascii=False)


def from_json(text: str) -> list[Message]:
    return [Message(each["role"], each["content"]) for each in json.loads(text)]


def prompt_ids(tokenizer: Tokenizer, messages: Sequence[Message]) -> list[int]:
    """What the model reads before it answers."""
    return encode_chat(tokenizer, messages, add_generation_prompt=True).ids


def answer_ids(tokenizer: Tokenizer, answer: str) -> list[int]:
    """What the model should write then, with the token that ends its turn."""
    return [*tokenizer.encode(answer.strip()), special_id(tokenizer, TURN_END)]


def special_id(tokenizer: Tokenizer, name: str) -> int:
    """Raises Problem for a tokenizer without Llama 3's special tokens."""
    if name not in tokenizer.special:
        raise Problem(f"the tokenizer has no {name}, so it knows no chats; take a model with Llama 3's special tokens")
    return tokenizer.special[name]


def _header_ids(tokenizer: Tokenizer, role: str) -> list[int]:
    around = special_id(tokenizer, HEADER), special_id(tokenizer, HEADER_END)
    return [around[0], *tokenizer.encode(role), around[1], *tokenizer.encode("\n\n")]
