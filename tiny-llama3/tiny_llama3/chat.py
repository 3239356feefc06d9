"""Talk with a model: the whole conversation is read again for each reply, in the chat format that it learnt.

What is longer than the model's positions is forgotten from the front, question and reply together; the system's
message stays.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tiny_llama3.chat_template import Message, prompt_ids, turn_end_id
from tiny_llama3.generate import end_ids, steps
from tiny_llama3.model import Llama
from tiny_llama3.problem import Problem
from tiny_llama3.sampling import Sampling
from tiny_llama3.tokenizer import Tokenizer


@dataclass(frozen=True)
class Reply:
    text: str
    finish: str  # "end": the model stopped by itself, "length": it was cut off
    forgotten: int  # messages that didn't fit any more


class Conversation:
    """`reply` adds the user's message and the model's."""

    def __init__(
        self,
        model: Llama,
        tokenizer: Tokenizer,
        system: str | None = None,
        sampling: Sampling | None = None,
        max_new_tokens: int = 200,
        seed: int = 0,
    ) -> None:
        self.model, self.tokenizer = model, tokenizer
        self.sampling, self.max_new_tokens, self.seed = sampling or Sampling(), max_new_tokens, seed
        self.system = [Message("system", system)] if system else []
        self.messages: list[Message] = []

    def reply(self, text: str, on_text: Callable[[str], object] = lambda piece: None) -> Reply:
        """Raises Problem for an empty message or one that alone is too long. If stopped half-way, nothing is kept."""
        if not text.strip():
            raise Problem("the message is empty; write something")
        messages, ids, forgotten = self._fitting([*self.messages, Message("user", text)])
        ends = end_ids(self.model) | {turn_end_id(self.tokenizer)}
        stream = self.tokenizer.decode_stream(skip_special=True)
        pieces: list[str] = []

        def give(piece: str) -> None:
            if piece:
                pieces.append(piece)
                on_text(piece)

        finish = "length"
        for (id,) in steps(self.model, [ids], self.max_new_tokens, self.sampling, self.seed + len(self.messages)):
            if id in ends:
                finish = "end"
                break
            give(stream.push(id) if id < len(self.tokenizer) else "\ufffd")
        give(stream.flush())
        answer = "".join(pieces)
        self.messages = [*messages, Message("assistant", answer)]
        return Reply(answer, finish, forgotten)

    def _fitting(self, messages: list[Message]) -> tuple[list[Message], list[int], int]:
        """The newest messages that leave room for a reply, their tokens, and how many were dropped."""
        room = self.model.config.max_position_embeddings - min(
            self.max_new_tokens, self.model.config.max_position_embeddings // 2
        )
        for first in range(0, len(messages), 2):
            ids = prompt_ids(self.tokenizer, [*self.system, *messages[first:]])
            if len(ids) <= room:
                return messages[first:], ids, first
        raise Problem(f"the message needs {len(ids)} tokens, the model has room for {room} beside its reply; "
                      "shorten it")  # fmt: skip
