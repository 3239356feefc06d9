"""Talk with a model: the whole conversation is read again for each reply, in the chat format that it learnt.

What is longer than the model's positions is forgotten from the front, question and reply together; the system's
message stays.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from qwen_blog.chat_template import END, chat_ids, special_id
from qwen_blog.generate import steps
from qwen_blog.model import Qwen
from qwen_blog.problem import Problem
from qwen_blog.sampling import Sampling
from qwen_blog.tokenizer import Tokenizer


@dataclass(frozen=True)
class Reply:
    text: str
    finish: str  # "end": the model stopped by itself, "length": it was cut off
    forgotten: int  # messages that didn't fit any more


class Conversation:
    """`reply` adds the user's message and the model's."""

    def __init__(self, model: Qwen, tokenizer: Tokenizer, system: str | None = None, sampling: Sampling | None = None,
                 max_new_tokens: int = 512, thinking: bool = True, seed: int = 0) -> None:  # fmt: skip
        self.model, self.tokenizer, self.sampling = model, tokenizer, sampling or Sampling()
        self.max_new_tokens, self.thinking, self.seed = max_new_tokens, thinking, seed
        self.system = [{"role": "system", "content": system}] if system else []
        self.messages: list[dict[str, Any]] = []

    def reply(self, text: str, on_text: Callable[[str], object] = lambda piece: None) -> Reply:
        """Raises Problem for an empty message or one that alone is too long. If stopped half-way, nothing is kept."""
        if not text.strip():
            raise Problem("the message is empty; write something")
        messages, ids, forgotten = self._fitting([*self.messages, {"role": "user", "content": text}])
        ends = self.model.config.ends | self.sampling.ends | {special_id(self.tokenizer, END)}
        finish = "length"

        def written() -> Any:
            nonlocal finish
            for id in steps(self.model, ids, self.max_new_tokens, self.sampling, self.seed + len(self.messages)):
                if id in ends:
                    finish = "end"
                    return
                yield id

        pieces = []
        for piece in self.tokenizer.stream(written(), skip_special=True):
            pieces.append(piece)
            on_text(piece)
        self.messages = [*messages, {"role": "assistant", "content": "".join(pieces)}]
        return Reply("".join(pieces), finish, forgotten)

    def _fitting(self, messages: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[int], int]:
        """The newest messages that leave room for a reply, their tokens, and how many were dropped."""
        positions = self.model.config.max_position_embeddings
        room = positions - min(self.max_new_tokens, positions // 2)
        for first in range(0, len(messages), 2):
            ids = chat_ids(self.tokenizer, [*self.system, *messages[first:]], enable_thinking=self.thinking)
            if len(ids) <= room:
                return messages[first:], ids, first
        raise Problem(
            f"the message needs {len(ids)} tokens, the model has room for {room} beside its reply; shorten it"
        )
