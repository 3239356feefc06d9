"""The chat format: who speaks is written into the text, with special tokens that no text of a user can contain.

Llama 3's:                                                          Qwen's, ChatML:

    <|begin_of_text|><|start_header_id|>user<|end_header_id|>           <|im_start|>user
                                                                        What is 2 + 3?<|im_end|>
    What is 2 + 3?<|eot_id|><|start_header_id|>assistant<|end_header_id|>    <|im_start|>assistant
                                                                        5<|im_end|>
    5<|eot_id|>

Only what the assistant says is learnt: the tokens of its message and the one with which it stops speaking. The header
in front of it is put there by whoever asks, so the model never has to predict it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from tiny_llama3.problem import Problem
from tiny_llama3.tokenizer import Tokenizer

BEGIN, HEADER, HEADER_END, TURN_END = "<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"
TURN, QWEN_END = "<|im_start|>", "<|im_end|>"
ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class Format:
    """How one family writes a chat. `jinja` says the same to `transformers`, in tokenizer_config.json."""

    begin: str  # before the first message
    header: str  # before the role
    header_end: str  # a special token after the role, or ""
    gap: str  # between the header and the message
    turn_end: str
    after: str  # after each turn
    trims: bool  # messages lose the spaces around them
    jinja: str


LLAMA3 = Format(
    BEGIN, HEADER, HEADER_END, "\n\n", TURN_END, "", True,
    "{% for message in messages %}{% set turn = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'"
    " + message['content'] | trim + '<|eot_id|>' %}{% if loop.first %}{% set turn = bos_token + turn %}{% endif %}"
    "{{ turn }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}",
)  # fmt: skip
CHATML = Format(
    "", TURN, "", "\n", QWEN_END, "\n", False,
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
)  # fmt: skip


def knows_chats(tokenizer: Tokenizer) -> bool:
    return TURN_END in tokenizer.special or QWEN_END in tokenizer.special


def format_of(tokenizer: Tokenizer) -> Format:
    """By the special tokens. Raises Problem for a tokenizer that has neither family's."""
    if not knows_chats(tokenizer):
        raise Problem(f"the tokenizer has no {TURN_END} and no {QWEN_END}, so it knows no chats; "
                      "take a model with Llama 3's special tokens, or Qwen's")  # fmt: skip
    return LLAMA3 if TURN_END in tokenizer.special else CHATML


def turn_end_id(tokenizer: Tokenizer) -> int:
    """The token with which a speaker stops."""
    return special_id(tokenizer, format_of(tokenizer).turn_end)


@dataclass(frozen=True)
class Message:
    role: str  # one of ROLES
    content: str


@dataclass(frozen=True)
class Chat:
    """A conversation in tokens; `learnt` is True where the assistant wrote the token. Both have T entries."""

    ids: list[int]
    learnt: list[bool]


def chat_text(messages: Sequence[Message], add_generation_prompt: bool = False, format: Format = LLAMA3) -> str:
    """The whole conversation as one text; with `add_generation_prompt` it ends where the assistant begins to write."""
    text = format.begin if messages else ""
    for message in messages:
        content = message.content.strip() if format.trims else message.content
        text += header(message.role, format) + content + format.turn_end + format.after
    return text + (header("assistant", format) if add_generation_prompt else "")


def header(role: str, format: Format = LLAMA3) -> str:
    return f"{format.header}{role}{format.header_end}{format.gap}"


def encode_chat(tokenizer: Tokenizer, messages: Sequence[Message], add_generation_prompt: bool = False) -> Chat:
    """The tokens of `chat_text`, and which of them are the assistant's.

    A message that contains the name of a special token stays text: it can't end its turn and speak as somebody else.
    """
    format = format_of(tokenizer)
    ids = [special_id(tokenizer, format.begin)] if messages and format.begin else []
    learnt = [False] * len(ids)

    def add(new: list[int], is_learnt: bool) -> None:
        ids.extend(new)
        learnt.extend([is_learnt] * len(new))

    for message in messages:
        content, own = message.content.strip() if format.trims else message.content, message.role == "assistant"
        if own or format.header_end:
            add(_header_ids(tokenizer, message.role, format), False)
            add([*tokenizer.encode(content), special_id(tokenizer, format.turn_end)], own)
        else:  # nothing special stands between role and message, so merges may reach from one into the other
            start = special_id(tokenizer, format.header)
            text = tokenizer.encode(message.role + format.gap + content)
            add([start, *text, special_id(tokenizer, format.turn_end)], False)
        add(tokenizer.encode(format.after), False)
    if add_generation_prompt:
        add(_header_ids(tokenizer, "assistant", format), False)
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
    format = format_of(tokenizer)
    return [*tokenizer.encode(answer.strip() if format.trims else answer), special_id(tokenizer, format.turn_end)]


def special_id(tokenizer: Tokenizer, name: str) -> int:
    if name not in tokenizer.special:
        raise Problem(f"the tokenizer has no {name}, so it knows no chats; take a model that has it")
    return tokenizer.special[name]


def _header_ids(tokenizer: Tokenizer, role: str, format: Format) -> list[int]:
    start = special_id(tokenizer, format.header)
    if not format.header_end:
        return [start, *tokenizer.encode(role + format.gap)]
    return [start, *tokenizer.encode(role), special_id(tokenizer, format.header_end), *tokenizer.encode(format.gap)]
