"""From logits to a text: greedy, and beam search with a length penalty (Wu et al. 2016, arXiv:1609.08144, section 7).

Both work on a batch, and with the key/value cache unless told otherwise; the tokens are the same either way.

Shapes: B batch, W beam width, S source positions, V target vocabulary; a batch of beams is (B * W) rows.
"""

import torch
from torch import Tensor

from tiny_transformer.cache import Cache
from tiny_transformer.masks import padding_mask
from tiny_transformer.model import Transformer


class Stepper:
    """The decoder as a function of the tokens so far: log-probabilities of the next one."""

    def __init__(self, model: Transformer, source_ids_BS: Tensor, width: int, cached: bool) -> None:
        self.model = model
        self.memory = model.encode(source_ids_BS).repeat_interleave(width, 0)
        self.source_mask = padding_mask(source_ids_BS, model.config.pad_id).repeat_interleave(width, 0)
        self.cache = Cache.empty(model.config.n_layers) if cached else None

    def next_log_probabilities(self, target_ids: Tensor) -> Tensor:
        """(rows, T) -> (rows, V)"""
        new = target_ids if self.cache is None else target_ids[:, self.cache.length :]
        logits = self.model.decode(new, self.memory, self.source_mask, self.cache)
        log_p = logits[:, -1].float().log_softmax(-1)
        log_p[:, [self.model.config.pad_id, self.model.config.bos_id]] = -torch.inf  # neither is part of a text
        return log_p

    def select(self, rows: Tensor) -> None:
        if self.cache is not None:
            self.cache.select(rows)


@torch.no_grad()
def greedy(model: Transformer, source_ids_BS: Tensor, max_tokens: int, cached: bool = True) -> list[list[int]]:
    """The likeliest token at every step; each result ends before its eos, or after `max_tokens` tokens."""
    config, rows = model.config, len(source_ids_BS)
    stepper = Stepper(model, source_ids_BS, 1, cached)
    target = source_ids_BS.new_full((rows, 1), config.bos_id)
    done = torch.zeros(rows, dtype=torch.bool, device=target.device)
    while target.shape[1] <= max_tokens and not done.all():
        best = stepper.next_log_probabilities(target).argmax(-1)
        best = best.masked_fill(done, config.pad_id)
        done = done | (best == config.eos_id)
        target = torch.cat([target, best[:, None]], dim=1)
    return [until_end(row, config.eos_id) for row in target.tolist()]


@torch.no_grad()
def beam_search(
    model: Transformer,
    source_ids_BS: Tensor,
    max_tokens: int,
    width: int,
    alpha: float = 0.6,
    cached: bool = True,
) -> list[list[int]]:
    """The best of `width` hypotheses that grow together; with width 1 it is `greedy`.

    Hypotheses are ranked by log-probability / ((5 + length) / 6)^alpha, where the length counts the eos. Alpha 0 gives
    the likeliest text, which tends to be too short; 0.6 is the paper's. A finished hypothesis keeps its place in the
    beam until better ones push it out. One that has no eos after `max_tokens` tokens is ranked like the others.
    """
    config, batch = model.config, len(source_ids_BS)
    stepper = Stepper(model, source_ids_BS, width, cached)
    target = source_ids_BS.new_full((batch * width, 1), config.bos_id)
    score_BW = torch.full((batch, width), -torch.inf, device=target.device)
    score_BW[:, 0] = 0.0  # all beams start alike: let one of them speak, or every hypothesis would come W times
    length_BW = torch.zeros_like(score_BW)
    done_BW = torch.zeros_like(score_BW, dtype=torch.bool)
    first_row_B1 = torch.arange(batch, device=target.device)[:, None] * width
    while target.shape[1] <= max_tokens and not done_BW.all():
        next_BWV = stepper.next_log_probabilities(target).view(batch, width, -1)
        # a finished hypothesis goes on in one way only: with padding, at no cost
        next_BWV = next_BWV.masked_fill(done_BW[:, :, None], -torch.inf)
        next_BWV[:, :, config.pad_id] = torch.where(done_BW, 0.0, next_BWV[:, :, config.pad_id])
        sum_BWV = score_BW[:, :, None] + next_BWV
        grown_BW = length_BW + ~done_BW
        ranked = (sum_BWV / penalty(grown_BW, alpha)[:, :, None]).flatten(1).topk(width)
        beam_BW, token_BW = ranked.indices // next_BWV.shape[-1], ranked.indices % next_BWV.shape[-1]
        score_BW = sum_BWV.flatten(1).gather(1, ranked.indices)
        length_BW = grown_BW.gather(1, beam_BW)
        done_BW = done_BW.gather(1, beam_BW) | (token_BW == config.eos_id)
        rows = (first_row_B1 + beam_BW).flatten()
        stepper.select(rows)
        target = torch.cat([target[rows], token_BW.view(-1, 1)], dim=1)
    best_B = (score_BW / penalty(length_BW, alpha)).argmax(-1)
    chosen = target.view(batch, width, -1)[torch.arange(batch, device=target.device), best_B]
    return [until_end(row, config.eos_id) for row in chosen.tolist()]


def penalty(length: Tensor, alpha: float) -> Tensor:
    """What a sum of log-probabilities is divided by; long texts have more summands, all of them negative."""
    return ((5 + length) / 6) ** alpha


def until_end(row: list[int], eos_id: int) -> list[int]:
    """The tokens between bos and eos."""
    return row[1 : row.index(eos_id)] if eos_id in row else row[1:]
