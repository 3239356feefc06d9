"""What an answer is worth: a reward model's opinion, or the verdict of a program that can check it."""

from collections.abc import Callable, Sequence

import torch

from tiny_llama3.align.rollout import Answer, Judge
from tiny_llama3.align.scorer import Scorer
from tiny_llama3.tasks.exercise import check

SCORED_AT_ONCE = 64


def checker(task: str) -> Judge:
    """1 for an answer that passes the check of a built-in task, 0 for others. An answer that was cut off is none."""
    return _each(lambda answer: check(task, answer.question.text, answer.text))


def known_answer() -> Judge:
    """1 for an answer that ends with the known one, in its last line."""
    return _each(lambda answer: ends_with(answer.text, answer.question.answer or ""))


def ends_with(text: str, answer: str) -> bool:
    """Whether the last line is the answer, or ends with it as a whole word."""
    lines = text.strip().splitlines()
    wanted = answer.strip()
    if not lines or not wanted or not lines[-1].rstrip(" .。").endswith(wanted.rstrip(" .。")):
        return False
    before = lines[-1].rstrip(" .。")[: -len(wanted.rstrip(" .。"))]
    return not before or not (before[-1].isalnum() and before[-1].isascii() and wanted[0].isalnum())


def reward_model(scorer: Scorer) -> Judge:
    """How likely a reward model prefers the answer to an average one: σ(score - average), from 0 to 1.

    The bare score has no bounds, and a policy would find the odd texts for which it is absurdly high.
    """

    @torch.no_grad()
    def judge(answers: Sequence[Answer]) -> list[float]:
        scorer.eval()
        scores: list[float] = []
        for start in range(0, len(answers), SCORED_AT_ONCE):
            rows = [answer.chat.ids for answer in answers[start : start + SCORED_AT_ONCE]]
            scores += torch.sigmoid(scorer.scores(rows)[:, 0] - scorer.average).tolist()
        return scores

    return judge


def _each(right: Callable[[Answer], bool]) -> Judge:
    return lambda answers: [float(answer.finished and right(answer)) for answer in answers]
