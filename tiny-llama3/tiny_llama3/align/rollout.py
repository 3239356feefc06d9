"""Let the policy answer, as it is now: what PPO and GRPO learn from.

Shapes: B answers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tiny_llama3.chat_template import Chat, turn_end_id
from tiny_llama3.generate import end_ids, steps
from tiny_llama3.model import Llama
from tiny_llama3.problem import Problem
from tiny_llama3.sampling import Sampling
from tiny_llama3.tokenizer import Tokenizer


@dataclass(frozen=True)
class Question:
    """A prompt in tokens, and in whatever form its reward wants to see it."""

    ids: list[int]
    text: str
    answer: str | None = None  # where one is known


@dataclass(frozen=True)
class Answer:
    """One sampled answer."""

    question: Question
    chat: Chat  # prompt and answer; learnt is the answer
    text: str
    finished: bool  # ended by itself, not cut off


Judge = Callable[[Sequence[Answer]], list[float]]  # what each answer is worth


def sample_answers(
    model: Llama,
    tokenizer: Tokenizer,
    questions: Sequence[Question],
    max_new_tokens: int,
    seed: int,
    temperature: float = 1.0,
) -> list[Answer]:
    """One answer to each question. At temperature 1 they are drawn from the very distribution that is trained."""
    end = turn_end_id(tokenizer)
    ends = end_ids(model) | {end}
    longest = max(len(question.ids) for question in questions)
    if longest + max_new_tokens > model.config.max_position_embeddings:
        raise Problem(f"a prompt of {longest} tokens and {max_new_tokens} new ones are more than the model's "
                      f"{model.config.max_position_embeddings} positions; lower --max-new-tokens")  # fmt: skip
    written: list[list[int]] = [[] for _ in questions]
    going = set(range(len(questions)))
    prompts = [question.ids for question in questions]
    for chosen in steps(model, prompts, max_new_tokens, Sampling(temperature=temperature), seed):
        for row in list(going):
            written[row].append(chosen[row])
            if chosen[row] in ends:
                going.discard(row)
        if not going:
            break
    answers = []
    for row, (question, ids) in enumerate(zip(questions, written, strict=True)):
        chat = Chat(question.ids + ids, [False] * len(question.ids) + [True] * len(ids))
        finished = row not in going
        text = tokenizer.decode([id for id in ids if id < len(tokenizer)], skip_special=True)
        answers.append(Answer(question, chat, text, finished))
    return answers
