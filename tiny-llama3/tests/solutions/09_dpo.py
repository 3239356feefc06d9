"""Sum, subtract, and a softplus that never raises e to a large power."""

import torch


def dpo_loss(
    policy_chosen: torch.Tensor,
    reference_chosen: torch.Tensor,
    chosen_mask: torch.Tensor,
    policy_rejected: torch.Tensor,
    reference_rejected: torch.Tensor,
    rejected_mask: torch.Tensor,
    beta: float,
) -> torch.Tensor:
    chosen = ((policy_chosen - reference_chosen) * chosen_mask).sum(1)
    rejected = ((policy_rejected - reference_rejected) * rejected_mask).sum(1)
    x = beta * (chosen - rejected)
    return ((-x).clamp(min=0) + torch.log1p(torch.exp(-x.abs()))).mean()
