"""Every key head is laid out once for each query head that shares it; what may not be seen gets the score -∞."""

import math

import torch


def grouped_attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, documents: torch.Tensor
) -> torch.Tensor:
    _, heads, positions, size = query.shape
    groups = key.shape[1]
    key, value = key.repeat_interleave(heads // groups, dim=1), value.repeat_interleave(heads // groups, dim=1)
    later = torch.ones(positions, positions).triu(1).bool()
    same = documents[:, None, :, None] == documents[:, None, None, :]
    scores = query @ key.transpose(2, 3) / math.sqrt(size)
    return scores.masked_fill(~(~later & same), -math.inf).softmax(-1) @ value
