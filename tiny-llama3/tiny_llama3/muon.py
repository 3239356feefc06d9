"""Muon (Jordan et al. 2024): momentum whose every direction is made equally long before it is added to a matrix.

The update of a weight matrix is dominated by a few directions; the many others hardly move. Muon replaces the momentum
matrix M = U S Vᵀ by (nearly) U Vᵀ. A polynomial that pulls all singular values towards 1 does so with products of
matrices alone. It is meant for the matrices inside the layers; embeddings, output layer and norms stay with AdamW.

Shapes: L matrices of the same shape, R rows, C columns.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

# a x + b x³ + c x⁵: steep at 0, so that small singular values grow fast; the price is that they end in about
# 0.7 to 1.2 instead of at 1, which does no harm.
COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonalised(matrices_LRC: Tensor, steps: int = 5, dtype: torch.dtype = torch.bfloat16) -> Tensor:
    """Each matrix with its singular values moved to about 1: (L, R, C), in `dtype`."""
    a, b, c = COEFFICIENTS
    tall = matrices_LRC.shape[-2] > matrices_LRC.shape[-1]
    x_LRC = matrices_LRC.to(dtype)
    if tall:  # the products below are as large as the rows
        x_LRC = x_LRC.mT
    # The polynomial needs singular values up to 1; their root mean square bounds the largest.
    x_LRC = x_LRC / (x_LRC.float().norm(dim=(-2, -1), keepdim=True).to(dtype) + 1e-7)
    for _ in range(steps):
        squared_LRR = x_LRC @ x_LRC.mT
        x_LRC = a * x_LRC + (b * squared_LRR + c * squared_LRR @ squared_LRR) @ x_LRC
    return x_LRC.mT if tall else x_LRC


class Muon(torch.optim.Optimizer):
    """`params`: matrices only. `dtype` is the precision of the products."""

    def __init__(
        self,
        params: Iterable[torch.nn.Parameter],
        lr: float = 0.02,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        dtype: torch.dtype = torch.bfloat16,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self.dtype = dtype
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.ndim != 2:
                    raise ValueError(f"Muon updates matrices (got a parameter of shape {tuple(parameter.shape)})")

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            same_shape: dict[torch.Size, list[tuple[Tensor, Tensor]]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    same_shape.setdefault(parameter.shape, []).append((parameter, parameter.grad))
            for parameters in same_shape.values():  # one product for all layers is faster than one for each
                self._update(parameters, group["lr"], group["momentum"], group["weight_decay"])

    def _update(self, parameters: list[tuple[Tensor, Tensor]], lr: float, momentum: float, weight_decay: float) -> None:
        directions = []
        for parameter, gradient in parameters:
            kept = self.state[parameter].setdefault("momentum", torch.zeros_like(parameter))
            kept.lerp_(gradient, 1 - momentum)
            directions.append(gradient.lerp(kept, momentum))  # Nesterov: one step ahead
        updates_LRC = orthogonalised(torch.stack(directions), dtype=self.dtype)
        rows, columns = updates_LRC.shape[-2:]
        # U Vᵀ of a tall matrix changes each output less than that of a square one
        scale = lr * max(1, rows / columns) ** 0.5
        for (parameter, _), update in zip(parameters, updates_LRC, strict=True):
            parameter.mul_(1 - lr * weight_decay).add_(update, alpha=-scale)
