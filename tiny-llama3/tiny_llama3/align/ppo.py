"""Proximal policy optimisation from a reward model, as ChatGPT was made (Schulman et al. 2017, arXiv:1707.06347;
Ouyang et al. 2022, arXiv:2203.02155). Four models take part:

    actor       writes the answers, and is trained
    critic      guesses at every token what reward will come, and is trained
    reference   the actor as it was; straying from it costs
    judge       gives the finished answer its reward: a reward model, or a program that checks

Shapes: B answers, T positions.
"""

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tiny_llama3.align.grpo import mean_reward, seed_of
from tiny_llama3.align.log_probability import token_log_probabilities
from tiny_llama3.align.rollout import Judge, Question, sample_answers
from tiny_llama3.align.rows import mask_of, on_device, one_a_row, order
from tiny_llama3.align.scorer import Scorer
from tiny_llama3.batches import Batch
from tiny_llama3.model import Llama
from tiny_llama3.tokenizer import Tokenizer


def generalised_advantages(
    rewards_BT: Tensor, values_BT: Tensor, mask_BT: Tensor, gamma: float, lam: float
) -> tuple[Tensor, Tensor]:
    """How much better each token turned out than the critic expected, and what it should have expected: (B, T) each.

    Generalised advantage estimation (Schulman et al. 2015, arXiv:1506.02438): δ_t = r_t + γ V_{t+1} - V_t, and
    A_t = δ_t + γλ A_{t+1}. After the last token of an answer nothing comes.
    """
    mask_BT = mask_BT.to(values_BT.dtype)
    rewards_BT, values_BT = rewards_BT * mask_BT, values_BT * mask_BT
    advantages_BT = torch.zeros_like(values_BT)
    next_value_B = next_advantage_B = torch.zeros_like(values_BT[:, 0])
    for t in reversed(range(values_BT.shape[1])):
        surprise_B = rewards_BT[:, t] + gamma * next_value_B - values_BT[:, t]
        next_advantage_B = (surprise_B + gamma * lam * next_advantage_B) * mask_BT[:, t]
        next_value_B = values_BT[:, t]
        advantages_BT[:, t] = next_advantage_B
    return advantages_BT, advantages_BT + values_BT


def whitened(values_BT: Tensor, mask_BT: Tensor) -> Tensor:
    """Mean 0 and variance 1 over the masked positions, so that the scale of the rewards doesn't matter."""
    chosen_N = values_BT[mask_BT]
    return (values_BT - chosen_N.mean()) * torch.rsqrt(chosen_N.var() + 1e-8) * mask_BT


def policy_loss(new_BT: Tensor, old_BT: Tensor, advantages_BT: Tensor, mask_BT: Tensor, clip: float) -> Tensor:
    """The clipped surrogate: -min(ratio A, clip(ratio) A), mean over all tokens. The ratio is p now / p when written.

    Clipping takes the gain away from whoever moves further than `clip` in one step.
    """
    ratio_BT = torch.exp(new_BT - old_BT)
    gain_BT = torch.minimum(ratio_BT * advantages_BT, ratio_BT.clamp(1 - clip, 1 + clip) * advantages_BT)
    return -(gain_BT * mask_BT).sum() / mask_BT.sum()


def value_loss(new_BT: Tensor, old_BT: Tensor, returns_BT: Tensor, mask_BT: Tensor, clip: float) -> Tensor:
    """Half the squared error of the critic, mean over all tokens; it may not move further than `clip` either."""
    near_BT = torch.clamp(new_BT, old_BT - clip, old_BT + clip)
    error_BT = torch.maximum((new_BT - returns_BT) ** 2, (near_BT - returns_BT) ** 2)
    return 0.5 * (error_BT * mask_BT).sum() / mask_BT.sum()


@dataclass(frozen=True)
class Experience:
    """Answers, with everything that was true when they were written; (B, T) each."""

    batch: Batch
    old_BT: Tensor  # log-probabilities
    values_BT: Tensor
    advantages_BT: Tensor
    returns_BT: Tensor


class Ppo:
    """Each step: an answer to each of `prompts` questions, then `epochs` passes over them in parts of `minibatch`."""

    def __init__(
        self,
        actor: Llama,
        critic: Scorer,
        tokenizer: Tokenizer,
        questions: Sequence[Question],
        judge: Judge,
        held_out: Sequence[Question] = (),
        *,
        prompts: int = 64,
        epochs: int = 2,
        minibatch: int = 32,
        clip: float = 0.2,
        value_clip: float = 0.2,
        value_weight: float = 0.5,
        beta: float = 0.05,
        gamma: float = 1.0,
        lam: float = 0.95,
        unfinished: float = -1.0,
        max_new_tokens: int = 64,
        seed: int = 0,
    ) -> None:
        """`beta`: cost of a nat away from the reference. `unfinished`: the reward of an answer that was cut off."""
        self.actor, self.critic, self.judge = actor, critic, judge
        self.trained = nn.ModuleDict({"actor": actor, "critic": critic})
        self.reference = deepcopy(actor).requires_grad_(False).eval()
        self.tokenizer, self.questions, self.held_out = tokenizer, questions, held_out
        self.prompts, self.epochs, self.minibatch = prompts, epochs, minibatch
        self.clip, self.value_clip, self.value_weight = clip, value_clip, value_weight
        self.beta, self.gamma, self.lam, self.unfinished = beta, gamma, lam, unfinished
        self.max_new_tokens, self.seed = max_new_tokens, seed
        self.numbers: dict[str, float] = {}

    def updates(self, step: int) -> Iterator[Iterable[Tensor]]:
        seen = self.experience(step)
        self.trained.train()
        count = len(seen.old_BT)
        for epoch in range(self.epochs):
            places = torch.tensor(order(count, count, epoch, seed_of(self.seed, step)))
            for rows in places.split(self.minibatch):
                yield [self._loss(seen, rows)]

    @torch.no_grad()
    def experience(self, step: int) -> Experience:
        """Write answers, have them judged, and find out which tokens made them better than expected."""
        asked = [self.questions[place] for place in order(len(self.questions), self.prompts, step, self.seed)]
        answers = sample_answers(self.actor, self.tokenizer, asked, self.max_new_tokens, seed_of(self.seed, step))
        judged = zip(answers, self.judge(answers), strict=True)
        scores = [score if each.finished else self.unfinished for each, score in judged]
        batch = on_device(one_a_row([each.chat for each in answers]), self.actor.model.embed_tokens.weight.device)
        mask_BT = mask_of(batch)
        old_BT = token_log_probabilities(self.actor, batch)
        reference_BT = token_log_probabilities(self.reference, batch)
        values_BT = self.critic.values(batch.ids_BT, batch.documents_BT) * mask_BT
        rewards_BT = -self.beta * (old_BT - reference_BT)
        for row, each in enumerate(answers):
            rewards_BT[row, len(each.chat.ids) - 2] += scores[row]  # at the answer's last token
        advantages_BT, returns_BT = generalised_advantages(rewards_BT, values_BT, mask_BT, self.gamma, self.lam)
        self.numbers = {
            "reward": sum(scores) / len(scores),
            "kl": float((old_BT - reference_BT).sum(1).mean()),
            "length": float(mask_BT.sum(1).float().mean()),
            "value_error": float(((values_BT - returns_BT) ** 2)[mask_BT].mean()),
            "tokens": sum(len(each.chat.ids) for each in answers),
        }
        return Experience(batch, old_BT, values_BT, whitened(advantages_BT, mask_BT), returns_BT)

    def _loss(self, seen: Experience, rows: Tensor) -> Tensor:
        batch = Batch(seen.batch.ids_BT[rows], seen.batch.targets_BT[rows], seen.batch.documents_BT[rows])
        mask_BT = mask_of(batch)
        new_BT = token_log_probabilities(self.actor, batch)
        values_BT = self.critic.values(batch.ids_BT, batch.documents_BT)
        policy = policy_loss(new_BT, seen.old_BT[rows], seen.advantages_BT[rows], mask_BT, self.clip)
        value = value_loss(values_BT, seen.values_BT[rows], seen.returns_BT[rows], mask_BT, self.value_clip)
        return policy + self.value_weight * value

    def measure(self) -> dict[str, float]:
        """Mean reward of one answer to each held-out question."""
        return mean_reward(self.actor, self.tokenizer, self.held_out, self.judge, self.max_new_tokens)
