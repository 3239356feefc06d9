"""A reward model: a score for an answer, learnt from pairs (Bradley & Terry 1952; Ouyang et al. 2022,
arXiv:2203.02155).

That the chosen answer is preferred has the probability σ(score of the chosen - score of the rejected). The loss is the
negative log of it. Only differences count; where zero lies is arbitrary.

Shapes: B pairs.
"""

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from tiny_llama3.align.dpo import EncodedPair
from tiny_llama3.align.rows import order
from tiny_llama3.align.scorer import Scorer


def bradley_terry_loss(chosen_B: Tensor, rejected_B: Tensor) -> Tensor:
    """-log σ(chosen - rejected), (B,)."""
    return -functional.logsigmoid(chosen_B - rejected_B)


@torch.no_grad()
def set_average(scorer: Scorer, pairs: Sequence[EncodedPair]) -> None:
    """Remember the mean score of these answers, good and bad: what an answer is compared with that stands alone."""
    scorer.eval()
    rows = [chat.ids for pair in pairs for chat in (pair.chosen, pair.rejected)]
    parts = [scorer.scores(rows[start : start + 64])[:, 0] for start in range(0, len(rows), 64)]
    scorer.average = float(torch.cat(parts).mean())


class Reward:
    """`per_step` pairs a step; `micro_pairs` go through the model at once."""

    def __init__(
        self,
        scorer: Scorer,
        pairs: Sequence[EncodedPair],
        held_out: Sequence[EncodedPair] = (),
        *,
        per_step: int = 32,
        micro_pairs: int = 32,
        seed: int = 0,
    ) -> None:
        self.trained = self.scorer = scorer
        self.pairs, self.held_out = pairs, held_out
        self.per_step, self.micro_pairs, self.seed = per_step, micro_pairs, seed
        self.numbers: dict[str, float] = {}

    def updates(self, step: int) -> Iterator[Iterable[Tensor]]:
        self.scorer.train()
        chosen = [self.pairs[place] for place in order(len(self.pairs), self.per_step, step, self.seed)]
        self.numbers = {"tokens": sum(len(pair.chosen.ids) + len(pair.rejected.ids) for pair in chosen)}
        yield (bradley_terry_loss(*self._scores(part)).sum() / len(chosen) for part in self._parts(chosen))

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """Loss on held-out pairs, and how often the chosen answer gets the higher score."""
        if not self.held_out:
            return {}
        self.scorer.eval()
        scored = [self._scores(part) for part in self._parts(self.held_out)]
        chosen_B, rejected_B = (torch.cat(side) for side in zip(*scored, strict=True))
        return {"validation_loss": float(bradley_terry_loss(chosen_B, rejected_B).mean()),
                "accuracy": float((chosen_B > rejected_B).float().mean())}  # fmt: skip

    def _scores(self, pairs: Sequence[EncodedPair]) -> tuple[Tensor, Tensor]:
        rows = [pair.chosen.ids for pair in pairs] + [pair.rejected.ids for pair in pairs]
        score_X = self.scorer.scores(rows)[:, 0]
        return score_X[: len(pairs)], score_X[len(pairs) :]

    def _parts(self, pairs: Sequence[EncodedPair]) -> Iterator[Sequence[EncodedPair]]:
        return (pairs[start : start + self.micro_pairs] for start in range(0, len(pairs), self.micro_pairs))
