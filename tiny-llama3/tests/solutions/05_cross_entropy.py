"""One function gives the loss of each position that counts; what they are divided by is the whole difference."""

import math

import torch


def losses(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    logits, targets = logits[targets != -100], targets[targets != -100]
    logits = logits - logits.amax(-1, keepdim=True)
    log_p = logits - logits.exp().sum(-1, keepdim=True).log()
    return -log_p[torch.arange(len(targets)), targets]


def cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    counted = targets != -100
    return losses(logits, targets).sum() / counted.sum()


def bits_per_byte(logits: torch.Tensor, targets: torch.Tensor, bytes_of: torch.Tensor) -> torch.Tensor:
    counted = targets != -100
    return losses(logits, targets).sum() / math.log(2) / bytes_of[targets[counted]].sum()
