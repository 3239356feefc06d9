"""Choose the next token from the logits: the most likely one, or one by chance among those that are left over.

repetition penalty  what stands in the text already becomes less likely (Keskar et al. 2019, arXiv:1909.05858)
temperature         below 1 sharpens the distribution, above 1 flattens it; 0 takes the most likely token
top-k               the k most likely tokens stay (Fan et al. 2018, arXiv:1805.04833)
top-p               the fewest tokens stay that together have probability p (Holtzman et al. 2020, arXiv:1904.09751)

They are applied in this order. Shapes: V vocabulary.
"""

import json
import math
import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from qwen_blog.problem import Problem


@dataclass(frozen=True)
class Sampling:
    """The defaults take the most likely token (greedy)."""

    temperature: float = 0.0
    top_k: int = 0  # 0: all
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    ends: frozenset[int] = frozenset()  # tokens that end a text, beside the configuration's

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < math.inf:
            raise Problem(f"temperature must be 0 or more (got {self.temperature}); 0 takes the most likely token")
        if self.top_k < 0:
            raise Problem(f"top_k must be 0 or more (got {self.top_k}); 0 keeps all tokens")
        if not 0 < self.top_p <= 1:
            raise Problem(f"top_p must be above 0 and at most 1 (got {self.top_p}); 1 keeps all tokens")
        if not 0 < self.repetition_penalty < math.inf:
            raise Problem(f"repetition_penalty must be above 0 (got {self.repetition_penalty}); 1 changes nothing")

    @classmethod
    def recommended(cls, folder: str | Path) -> "Sampling":
        """What the makers of a model recommend, from its generation_config.json; greedy where there is none."""
        file = Path(folder) / "generation_config.json"
        if not file.is_file():
            return cls()
        try:
            content = json.loads(file.read_bytes())
            eos = content.get("eos_token_id")
            ends = frozenset(eos if isinstance(eos, list) else [] if eos is None else [eos])
            penalty = float(content.get("repetition_penalty") or 1.0)
            if not content.get("do_sample"):
                return cls(repetition_penalty=penalty, ends=ends)
            return cls(float(content.get("temperature") or 1.0), int(content.get("top_k") or 0),
                       float(content.get("top_p") or 1.0), penalty, ends)  # fmt: skip
        except Problem as problem:
            raise Problem(f"{file}: {problem}") from None
        except (ValueError, TypeError, AttributeError) as error:
            raise Problem(f"{file} is damaged ({error}); copy it again") from None


def choose(logits_V: Tensor, seen: Iterable[int], sampling: Sampling, chance: random.Random) -> int:
    """The id of the next token; `seen` are the tokens of the text so far."""
    logits_V = logits_V.float()
    if sampling.repetition_penalty != 1:
        logits_V = penalised(logits_V, seen, sampling.repetition_penalty)
    if sampling.temperature == 0:
        return int(logits_V.argmax())
    probability_V = filtered(logits_V, sampling).softmax(-1)
    # the point where a random share of the whole is reached; 64 bits, since thousands of small numbers are added
    reached_V = probability_V.double().cumsum(-1)
    share = torch.tensor([chance.random()], dtype=torch.float64, device=logits_V.device)
    return int(torch.searchsorted(reached_V, share * reached_V[-1], right=True)[0])


def penalised(logits_V: Tensor, seen: Iterable[int], penalty: float) -> Tensor:
    """Seen tokens' logits divided by the penalty, or multiplied where they are negative: either way they fall."""
    ids = torch.tensor(sorted(set(seen)), device=logits_V.device)
    old = logits_V[ids]
    return logits_V.index_copy(0, ids, torch.where(old > 0, old / penalty, old * penalty))


def filtered(logits_V: Tensor, sampling: Sampling) -> Tensor:
    """Logits over the temperature, and -inf for the tokens that the filters drop; the most likely one always stays."""
    logits_V = logits_V / sampling.temperature
    if 0 < sampling.top_k < len(logits_V):
        logits_V = logits_V.masked_fill(logits_V < logits_V.topk(sampling.top_k).values[-1], -torch.inf)
    if sampling.top_p < 1:
        ordered_V, place_V = logits_V.sort(descending=True)
        probability_V = ordered_V.softmax(-1)
        before_V = probability_V.cumsum(-1) - probability_V  # what the more likely ones have together
        logits_V = logits_V.masked_fill((before_V >= sampling.top_p).scatter(0, place_V, before_V >= sampling.top_p),
                                        -torch.inf)  # fmt: skip
    return logits_V
