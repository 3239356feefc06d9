"""A chat as the model reads it: every token, and whether it is learnt."""

from collections.abc import Sequence
from dataclasses import dataclass

from tiny_llama3.chat_template import Message, encode_chat
from tiny_llama3.tokenizer import Tokenizer

GREEN, GREY, PLAIN = "\x1b[30;42m", "\x1b[90m", "\x1b[0m"


@dataclass(frozen=True)
class ShownToken:
    id: int
    text: str
    learnt: bool


def tokens_of(tokenizer: Tokenizer, messages: Sequence[Message]) -> list[ShownToken]:
    chat = encode_chat(tokenizer, messages)
    return [ShownToken(id, tokenizer.decode([id]), learnt) for id, learnt in zip(chat.ids, chat.learnt, strict=True)]


def in_colour(tokens: Sequence[ShownToken]) -> str:
    """Learnt tokens on green, for a terminal."""
    return "".join(f"{GREEN if token.learnt else GREY}{_one_line(token.text)}{PLAIN}{_break(token.text)}"
                   for token in tokens)  # fmt: skip


def in_marks(tokens: Sequence[ShownToken]) -> str:
    """Learnt tokens in [ ], others bare, each followed by |."""
    return "".join(f"{f'[{_one_line(token.text)}]' if token.learnt else _one_line(token.text)}|{_break(token.text)}"
                   for token in tokens)  # fmt: skip


def _one_line(text: str) -> str:
    return text.replace("\n", "\\n")


def _break(text: str) -> str:
    """Show the line break that the token stands for, once."""
    return "\n" if "\n" in text or text == "<|eot_id|>" else ""
