"""Group relative policy optimisation: several answers to one prompt, each judged beside the others (Shao et al. 2024,
arXiv:2402.03300). No critic: what to expect of a prompt is the mean reward of its group.

Shapes: B answers, T positions.
"""

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy

import torch
from torch import Tensor

from tiny_llama3.align.log_probability import token_log_probabilities
from tiny_llama3.align.rollout import Judge, Question, sample_answers
from tiny_llama3.align.rows import mask_of, on_device, one_a_row, order
from tiny_llama3.batches import Batch
from tiny_llama3.model import Llama
from tiny_llama3.problem import Problem
from tiny_llama3.tokenizer import Tokenizer


def group_advantages(rewards_B: Tensor, group: int) -> Tensor:
    """How much better than its group each answer is, in standard deviations of the group, (B,).

    Answers to one prompt lie side by side. A group of equal rewards teaches nothing: zeros.
    """
    rewards_XG = rewards_B.view(-1, group)
    distance_XG = rewards_XG - rewards_XG.mean(1, keepdim=True)
    return (distance_XG / (rewards_XG.std(1, keepdim=True) + 1e-4)).flatten()


def grpo_loss(
    new_BT: Tensor,
    old_BT: Tensor,
    reference_BT: Tensor,
    advantages_B: Tensor,
    mask_BT: Tensor,
    clip: float,
    beta: float,
) -> Tensor:
    """The loss of each answer, (B,): the mean over its tokens.

    All are log-probabilities of the tokens that were written: by the policy now, when it wrote, and of the reference.
    The ratio to when it wrote is clipped, so one lucky answer can't pull the policy far; β holds it near the reference.
    """
    ratio_BT = torch.exp(new_BT - old_BT)
    advantages_B1 = advantages_B[:, None]
    gain_BT = torch.minimum(ratio_BT * advantages_B1, ratio_BT.clamp(1 - clip, 1 + clip) * advantages_B1)
    away_BT = reference_BT - new_BT
    kl_BT = torch.exp(away_BT) - away_BT - 1  # never negative, and on average the KL divergence (Schulman 2020)
    lengths_B = mask_BT.sum(1).clamp(min=1)
    return ((beta * kl_BT - gain_BT) * mask_BT).sum(1) / lengths_B


class Grpo:
    """Each step: `prompts` questions, `group` answers each, `epochs` passes over them in parts of `micro_rows`."""

    def __init__(
        self,
        model: Llama,
        tokenizer: Tokenizer,
        questions: Sequence[Question],
        judge: Judge,
        held_out: Sequence[Question] = (),
        *,
        prompts: int = 8,
        group: int = 8,
        epochs: int = 2,
        micro_rows: int = 64,
        clip: float = 0.2,
        beta: float = 0.02,
        max_new_tokens: int = 64,
        seed: int = 0,
    ) -> None:
        if group < 2:
            raise Problem(f"group must be 2 or more (got {group}): an answer is compared with the others of its group")
        self.trained = self.model = model
        self.reference = deepcopy(model).requires_grad_(False).eval()
        self.tokenizer, self.questions, self.judge, self.held_out = tokenizer, questions, judge, held_out
        self.prompts, self.group, self.epochs, self.micro_rows = prompts, group, epochs, micro_rows
        self.clip, self.beta, self.max_new_tokens, self.seed = clip, beta, max_new_tokens, seed
        self.numbers: dict[str, float] = {}

    def updates(self, step: int) -> Iterator[Iterable[Tensor]]:
        places = order(len(self.questions), self.prompts, step, self.seed)
        asked = [self.questions[place] for place in places for _ in range(self.group)]
        answers = sample_answers(self.model, self.tokenizer, asked, self.max_new_tokens, seed_of(self.seed, step))
        rewards_B = torch.tensor(self.judge(answers))
        advantages_B = group_advantages(rewards_B, self.group)
        device = self.model.model.embed_tokens.weight.device
        batch = on_device(one_a_row([answer.chat for answer in answers]), device)
        with torch.no_grad():
            old_BT = token_log_probabilities(self.model, batch)
            reference_BT = token_log_probabilities(self.reference, batch)
        self.numbers = {
            "reward": float(rewards_B.mean()),
            "kl": float((old_BT - reference_BT).sum(1).mean()),
            "length": float(mask_of(batch).sum(1).float().mean()),
            "tokens": sum(len(answer.chat.ids) for answer in answers),
        }
        self.model.train()
        for _ in range(self.epochs):
            yield self._losses(batch, old_BT, reference_BT, advantages_B.to(device))

    def _losses(self, batch: Batch, old_BT: Tensor, reference_BT: Tensor, advantages_B: Tensor) -> Iterator[Tensor]:
        count = len(advantages_B)
        for start in range(0, count, self.micro_rows):
            rows = slice(start, start + self.micro_rows)
            part = Batch(batch.ids_BT[rows], batch.targets_BT[rows], batch.documents_BT[rows])
            new_BT = token_log_probabilities(self.model, part)
            losses_B = grpo_loss(new_BT, old_BT[rows], reference_BT[rows], advantages_B[rows], mask_of(part),
                                 self.clip, self.beta)  # fmt: skip
            yield losses_B.sum() / count

    def measure(self) -> dict[str, float]:
        """Mean reward of one answer to each held-out question."""
        return mean_reward(self.model, self.tokenizer, self.held_out, self.judge, self.max_new_tokens)


def mean_reward(
    model: Llama, tokenizer: Tokenizer, questions: Sequence[Question], judge: Judge, max_new_tokens: int
) -> dict[str, float]:
    if not questions:
        return {}
    answers = sample_answers(model, tokenizer, questions, max_new_tokens, seed=0)
    return {"held_out_reward": sum(judge(answers)) / len(answers)}


def seed_of(seed: int, step: int) -> int:
    """Another one for every step of every run."""
    return seed * 1_000_003 + step
