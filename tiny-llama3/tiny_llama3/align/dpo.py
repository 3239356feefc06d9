"""Direct preference optimisation: learn from pairs of answers without a reward model (Rafailov et al. 2023,
arXiv:2305.18290), and its variant IPO (Azar et al. 2023, arXiv:2310.12036).

Of an answer y to a prompt x, the policy's implicit reward is β log(π(y|x) / π_ref(y|x)): how much likelier it has
become than it was. The loss asks that the chosen answer's be higher than the rejected one's.

Shapes: B pairs.
"""

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from tiny_llama3.align.log_probability import answer_log_probabilities
from tiny_llama3.align.rows import mask_of, on_device, one_a_row, order
from tiny_llama3.chat_template import Chat
from tiny_llama3.model import Llama
from tiny_llama3.problem import Problem


@dataclass(frozen=True)
class EncodedPair:
    """Both answers with the prompt in front; learnt is only the answer."""

    chosen: Chat
    rejected: Chat


def dpo_loss(chosen_B: Tensor, rejected_B: Tensor, beta: float) -> Tensor:
    """-log σ(β (chosen - rejected)), (B,), of the answers' log-ratios log π - log π_ref (sums over their tokens)."""
    return -functional.logsigmoid(beta * (chosen_B - rejected_B))


def ipo_loss(chosen_B: Tensor, rejected_B: Tensor, beta: float) -> Tensor:
    """(chosen - rejected - 1 / 2β)², (B,), of log-ratios a token, as its authors measure them.

    DPO rewards an ever larger distance; here a certain one is right.
    """
    return (chosen_B - rejected_B - 1 / (2 * beta)) ** 2


class Dpo:
    """`per_step` pairs a step; `micro_pairs` go through both models at once. The reference is the model at first."""

    def __init__(
        self,
        model: Llama,
        pairs: Sequence[EncodedPair],
        held_out: Sequence[EncodedPair] = (),
        *,
        loss: str = "dpo",
        beta: float = 0.1,
        per_step: int = 32,
        micro_pairs: int = 32,
        seed: int = 0,
    ) -> None:
        if loss not in ("dpo", "ipo"):
            raise Problem(f"loss must be dpo or ipo (got {loss!r}); change it")
        if not beta > 0:
            raise Problem(f"beta must be above 0 (got {beta}); 0.1 is usual")
        self.trained = self.model = model
        self.reference = deepcopy(model).requires_grad_(False).eval()
        self.pairs, self.held_out = pairs, held_out
        self.loss, self.beta = loss, beta
        self.per_step, self.micro_pairs, self.seed = per_step, micro_pairs, seed
        self.numbers: dict[str, float] = {}

    def updates(self, step: int) -> Iterator[Iterable[Tensor]]:
        self.model.train()
        chosen = [self.pairs[place] for place in order(len(self.pairs), self.per_step, step, self.seed)]
        self.numbers = {"tokens": sum(len(pair.chosen.ids) + len(pair.rejected.ids) for pair in chosen)}
        yield (self._losses(part).sum() / len(chosen) for part in self._parts(chosen))

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """On held-out pairs: mean loss, share of pairs that are told apart rightly, mean distance in nats."""
        if not self.held_out:
            return {}
        self.model.eval()
        losses, distances = [], []
        for part in self._parts(self.held_out):
            chosen_B, rejected_B, lengths = self._log_ratios(part)
            losses.append(self._loss_of(chosen_B, rejected_B, lengths))
            distances.append(chosen_B - rejected_B)
        distance_B = torch.cat(distances)
        return {"validation_loss": float(torch.cat(losses).mean()), "accuracy": float((distance_B > 0).float().mean()),
                "distance": float(distance_B.mean())}  # fmt: skip

    def _losses(self, pairs: Sequence[EncodedPair]) -> Tensor:
        return self._loss_of(*self._log_ratios(pairs))

    def _loss_of(self, chosen_B: Tensor, rejected_B: Tensor, lengths: tuple[Tensor, Tensor]) -> Tensor:
        if self.loss == "dpo":
            return dpo_loss(chosen_B, rejected_B, self.beta)
        return ipo_loss(chosen_B / lengths[0], rejected_B / lengths[1], self.beta)

    def _log_ratios(self, pairs: Sequence[EncodedPair]) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor]]:
        """log π - log π_ref of the chosen and the rejected answers, and how many tokens they have: (B,) each."""
        batch = one_a_row([pair.chosen for pair in pairs] + [pair.rejected for pair in pairs])
        batch = on_device(batch, self.model.model.embed_tokens.weight.device)
        with torch.no_grad():
            reference_X = answer_log_probabilities(self.reference, batch)
        ratio_X = answer_log_probabilities(self.model, batch) - reference_X
        length_X = mask_of(batch).sum(1)
        half = len(pairs)
        return ratio_X[:half], ratio_X[half:], (length_X[:half], length_X[half:])

    def _parts(self, pairs: Sequence[EncodedPair]) -> Iterator[Sequence[EncodedPair]]:
        return (pairs[start : start + self.micro_pairs] for start in range(0, len(pairs), self.micro_pairs))
