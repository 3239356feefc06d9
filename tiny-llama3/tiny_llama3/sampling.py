"""Choose the next token from the logits: the most likely one, or one by chance among those that are left over.

repetition penalty  what stands in the text already becomes less likely (Keskar et al. 2019, arXiv:1909.05858)
temperature         below 1 sharpens the distribution, above 1 flattens it; 0 takes the most likely token
top-k               the k most likely tokens stay (Fan et al. 2018, arXiv:1805.04833)
top-p               the fewest tokens stay that together have probability p (Holtzman et al. 2020, arXiv:1904.09751)
min-p               those stay that have at least p times the highest probability (Nguyen et al. 2024, arXiv:2407.01082)

They are applied in this order. Shapes: B rows, V vocabulary.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tiny_llama3.problem import Problem


@dataclass(frozen=True)
class Sampling:
    """The defaults take the most likely token (greedy)."""

    temperature: float = 0.0
    top_k: int = 0  # 0: all
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < math.inf:
            raise Problem(f"temperature must be 0 or more (got {self.temperature}); 0 takes the most likely token")
        if self.top_k < 0:
            raise Problem(f"top_k must be 0 or more (got {self.top_k}); 0 keeps all tokens")
        if not 0 < self.top_p <= 1:
            raise Problem(f"top_p must be above 0 and at most 1 (got {self.top_p}); 1 keeps all tokens")
        if not 0 <= self.min_p < 1:
            raise Problem(f"min_p must be at least 0 and below 1 (got {self.min_p}); 0 keeps all tokens")
        if not 0 < self.repetition_penalty < math.inf:
            raise Problem(f"repetition_penalty must be above 0 (got {self.repetition_penalty}); 1 changes nothing")


def choose(logits_BV: Tensor, seen_BV: Tensor, sampling: Sampling, chances: Sequence[random.Random]) -> Tensor:
    """The next token of each row, (B,). `seen_BV` is True for tokens of the text so far; each row has its chance."""
    logits_BV = logits_BV.float()
    if sampling.repetition_penalty != 1:
        logits_BV = penalised(logits_BV, seen_BV, sampling.repetition_penalty)
    if sampling.temperature == 0:
        return logits_BV.argmax(-1)
    probabilities_BV = filtered(logits_BV, sampling).softmax(-1)
    # the point where a random share of the whole is reached; 64 bits, since thousands of small numbers are added
    reached_BV = probabilities_BV.double().cumsum(-1)
    share_B = torch.tensor([chance.random() for chance in chances], dtype=torch.float64, device=logits_BV.device)
    return torch.searchsorted(reached_BV, (share_B * reached_BV[:, -1])[:, None], right=True)[:, 0]


def penalised(logits_BV: Tensor, seen_BV: Tensor, penalty: float) -> Tensor:
    """Seen tokens' logits divided by the penalty, or multiplied where they are negative: either way they fall."""
    return torch.where(seen_BV, torch.where(logits_BV > 0, logits_BV / penalty, logits_BV * penalty), logits_BV)


def filtered(logits_BV: Tensor, sampling: Sampling) -> Tensor:
    """Logits over the temperature, and -inf for the tokens that the filters drop; the most likely one always stays."""
    logits_BV = logits_BV / sampling.temperature
    if 0 < sampling.top_k < logits_BV.shape[-1]:
        lowest_B1 = logits_BV.topk(sampling.top_k).values[:, -1:]
        logits_BV = logits_BV.masked_fill(logits_BV < lowest_B1, -torch.inf)
    if sampling.top_p < 1:
        ordered_BV, places_BV = logits_BV.sort(descending=True)
        probabilities_BV = ordered_BV.softmax(-1)
        before_BV = probabilities_BV.cumsum(-1) - probabilities_BV  # what the more likely ones have together
        dropped_BV = (before_BV >= sampling.top_p).scatter(1, places_BV, before_BV >= sampling.top_p)
        logits_BV = logits_BV.masked_fill(dropped_BV, -torch.inf)
    if sampling.min_p > 0:
        probabilities_BV = logits_BV.softmax(-1)
        least_B1 = sampling.min_p * probabilities_BV.amax(-1, keepdim=True)
        logits_BV = logits_BV.masked_fill(probabilities_BV < least_B1, -torch.inf)
    return logits_BV
