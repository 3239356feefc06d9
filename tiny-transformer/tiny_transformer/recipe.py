"""How the paper trains (Vaswani et al. 2017, section 5): label smoothing, warm-up, averaged checkpoints.

Shapes: B batch, T target positions, N = B * T, R rows of those N, V target vocabulary.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def smoothed_cross_entropy(logits_BTV: Tensor, target_ids_BT: Tensor, pad_id: int, smoothing: float) -> Tensor:
    """Summed loss in nats over all tokens that are not padding (Szegedy et al. 2016, arXiv:1512.00567).

    The right token should get probability 1 - smoothing, and the rest is spread over all V tokens alike: a model that
    is never asked for certainty stays better calibrated. With smoothing 0 this is the negative log-likelihood.
    """
    return _SmoothedCrossEntropy.apply(logits_BTV.flatten(0, 1), target_ids_BT.flatten(), pad_id, smoothing)


class _SmoothedCrossEntropy(torch.autograd.Function):
    """Loss and gradient in one go: the gradient of each logit is (what the model says) - (what it should say).

    Logits are the largest tensor of a training step. A few rows at a time stay in the processor's cache, and autograd
    need not keep the steps in between.
    """

    ROWS = 128

    @staticmethod
    def forward(ctx: Any, logits_NV: Tensor, target_N: Tensor, pad_id: int, smoothing: float) -> Tensor:
        uniform = smoothing / logits_NV.shape[1]
        gradient_NV = torch.empty_like(logits_NV)
        total = logits_NV.new_zeros((), dtype=torch.float32)
        for start in range(0, len(target_N), _SmoothedCrossEntropy.ROWS):
            rows = slice(start, start + _SmoothedCrossEntropy.ROWS)
            target_R1 = target_N[rows, None]
            real_R1 = target_R1 != pad_id
            log_p_RV = logits_NV[rows].float().log_softmax(-1)
            wanted_R1 = log_p_RV.gather(1, target_R1)
            total -= (((1 - smoothing) * wanted_R1 + smoothing * log_p_RV.mean(1, keepdim=True)) * real_R1).sum()
            error_RV = log_p_RV.exp_().sub_(uniform)
            error_RV.scatter_add_(1, target_R1, torch.full_like(wanted_R1, smoothing - 1))
            gradient_NV[rows] = error_RV.mul_(real_R1)
        ctx.save_for_backward(gradient_NV)
        return total

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None, None, None]:
        (gradient_NV,) = ctx.saved_tensors
        return gradient_NV * upstream[0].to(gradient_NV.dtype), None, None, None


def warmup_rate(step: int, d_model: int, warmup_steps: int, factor: float = 1.0) -> float:
    """The learning rate of step 1, 2, ...: it grows linearly for `warmup_steps`, then falls as 1/√step.

    Adam's estimate of a gradient's size is poor at first; large steps then would undo themselves. `factor` 1 is the
    paper's formula.
    """
    return factor * d_model**-0.5 * min(step**-0.5, step * warmup_steps**-1.5)


def averaged(snapshots: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of the weights of several checkpoints of one run: a point nearer the middle of the valley."""
    if not snapshots:
        raise ValueError("averaging needs one checkpoint or more (got none)")
    return {
        name: torch.stack([snapshot[name].double() for snapshot in snapshots]).mean(0).to(snapshots[0][name].dtype)
        for name in snapshots[0]
    }
