"""What was read from files, in tokens; what is too long for a row is left out, and counted."""

import random
from collections.abc import Sequence
from typing import TypeVar

from tiny_llama3.align.chat_files import Pair, Prompt
from tiny_llama3.align.dpo import EncodedPair
from tiny_llama3.align.rollout import Question
from tiny_llama3.chat_template import Chat, Message, answer_ids, encode_chat, prompt_ids
from tiny_llama3.problem import Problem
from tiny_llama3.tokenizer import Tokenizer

HELD_OUT_SHARE, MOST_HELD_OUT = 0.05, 200
Example = TypeVar("Example")


def encode_chats(tokenizer: Tokenizer, chats: Sequence[Sequence[Message]], longest: int) -> tuple[list[Chat], int]:
    """Chats of at most `longest` tokens, and how many were longer. Raises Problem if none is left."""
    encoded = [encode_chat(tokenizer, messages) for messages in chats]
    return _fitting(encoded, [len(chat.ids) for chat in encoded], longest)


def encode_pairs(tokenizer: Tokenizer, pairs: Sequence[Pair], longest: int) -> tuple[list[EncodedPair], int]:
    """Pairs of which both sides have at most `longest` tokens, and how many were longer."""
    encoded = []
    for pair in pairs:
        prompt = prompt_ids(tokenizer, pair.prompt)
        encoded.append(EncodedPair(*(with_answer(tokenizer, prompt, side) for side in (pair.chosen, pair.rejected))))
    return _fitting(encoded, [max(len(each.chosen.ids), len(each.rejected.ids)) for each in encoded], longest)


def encode_questions(tokenizer: Tokenizer, prompts: Sequence[Prompt], longest: int) -> tuple[list[Question], int]:
    """Prompts of at most `longest` tokens, and how many were longer; their text is the last message."""
    encoded = [Question(prompt_ids(tokenizer, each.prompt), each.prompt[-1].content, each.answer) for each in prompts]
    return _fitting(encoded, [len(question.ids) for question in encoded], longest)


def with_answer(tokenizer: Tokenizer, prompt: Sequence[int], answer: str) -> Chat:
    """A prompt's tokens and an answer's; learnt is only the answer."""
    ids = answer_ids(tokenizer, answer)
    return Chat([*prompt, *ids], [False] * len(prompt) + [True] * len(ids))


def hold_out(examples: Sequence[Example], seed: int = 0) -> tuple[list[Example], list[Example]]:
    """The examples to learn from, and a twentieth, at most 200, to measure with."""
    count = min(MOST_HELD_OUT, round(len(examples) * HELD_OUT_SHARE))
    places = set(random.Random(f"hold out {seed}").sample(range(len(examples)), count))
    return ([each for place, each in enumerate(examples) if place not in places],
            [each for place, each in enumerate(examples) if place in places])  # fmt: skip


def _fitting(examples: list[Example], lengths: list[int], longest: int) -> tuple[list[Example], int]:
    kept = [example for example, length in zip(examples, lengths, strict=True) if length <= longest]
    if not kept:
        raise Problem(f"every example is longer than {longest} tokens (the shortest has {min(lengths)}); give shorter "
                      "ones or a higher --sequence")  # fmt: skip
    return kept, len(examples) - len(kept)
