"""Cross-entropy of the next token without ever holding all logits.

A row of logits is as long as the vocabulary: for a batch of 2,048 positions and 32,000 tokens they take 262 MB, and
their gradient as much again. Here a few hundred positions go through at a time, and each gives its gradient at once.

Shapes: N positions, D hidden size, V vocabulary.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

IGNORED = -100  # the target of a position that has none
CHUNK = 512  # positions at a time; few enough that their logits stay in the processor's cache


class _SummedCrossEntropy(torch.autograd.Function):
    """The gradient of a sum of losses is known with the loss: softmax minus 1 at the target."""

    @staticmethod
    def forward(ctx: Any, hidden_ND: Tensor, weight_VD: Tensor, target_N: Tensor) -> Tensor:
        total = hidden_ND.new_zeros((), dtype=torch.float32)
        hidden_gradient_ND = torch.empty_like(hidden_ND)
        weight_gradient_VD = torch.zeros_like(weight_VD, dtype=torch.float32)
        for start in range(0, hidden_ND.shape[0], CHUNK):
            rows = slice(start, start + CHUNK)
            hidden, target = hidden_ND[rows], target_N[rows]
            log_probabilities = torch.log_softmax((hidden @ weight_VD.T).float(), dim=-1)
            counted = (target != IGNORED)[:, None]
            place = target.clamp(min=0)[:, None]
            total -= (log_probabilities.gather(1, place) * counted).sum()
            gradient = log_probabilities.exp_().scatter_add_(1, place, -torch.ones_like(place, dtype=torch.float32))
            gradient = gradient.mul_(counted).to(hidden.dtype)
            torch.mm(gradient, weight_VD, out=hidden_gradient_ND[rows])
            weight_gradient_VD += gradient.T @ hidden
        ctx.save_for_backward(hidden_gradient_ND, weight_gradient_VD.to(weight_VD.dtype))
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        hidden_gradient_ND, weight_gradient_VD = ctx.saved_tensors
        return hidden_gradient_ND * gradients[0], weight_gradient_VD * gradients[0], None


def summed_cross_entropy(hidden_BTD: Tensor, weight_VD: Tensor, target_BT: Tensor) -> Tensor:
    """Sum of -log p(target) over all positions whose target is not IGNORED, in nats.

    `hidden_BTD` is what the output layer, `weight_VD`, sees. Under autocast the products have its lower precision.
    """
    hidden_ND, target_N = hidden_BTD.flatten(0, 1), target_BT.flatten()
    device = hidden_ND.device.type
    if torch.is_autocast_enabled(device):
        dtype = torch.get_autocast_dtype(device)
        hidden_ND, weight_VD = hidden_ND.to(dtype), weight_VD.to(dtype)
    with torch.autocast(device, enabled=False):
        if torch.is_grad_enabled():
            total: Tensor = _SummedCrossEntropy.apply(hidden_ND, weight_VD, target_N)
            return total
        losses = [
            functional.cross_entropy((hidden @ weight_VD.T).float(), target, ignore_index=IGNORED, reduction="sum")
            for hidden, target in zip(hidden_ND.split(CHUNK), target_N.split(CHUNK), strict=True)
        ]
        return torch.stack(losses).sum()
