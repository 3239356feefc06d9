"""y = W x + b, as nn.Linear has it, and if you like, quicker for the one row of a decoding step.

Writing one token reads every weight once and does two operations with it: the memory is the limit, not the arithmetic.
PyTorch's products are made for many rows; on a CPU they reach a third of what the memory can give for one row.
`compile_one_row` lets torch.compile write a product that reads the weights as fast as they come. It takes a C++
compiler and some seconds, and pays after a few hundred tokens.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional


class Linear(nn.Linear):
    one_row: "Callable[[Tensor, Tensor], Tensor] | None" = None  # the compiled product, for all layers

    def forward(self, x: Tensor) -> Tensor:
        product = Linear.one_row
        if product is None or x.numel() != self.in_features or x.device.type != "cpu" or torch.is_grad_enabled():
            return functional.linear(x, self.weight, self.bias)
        row = product(self.weight, x.reshape(-1))
        return (row if self.bias is None else row + self.bias).view(*x.shape[:-1], -1)


def written_out(weight: Tensor, x: Tensor) -> Tensor:
    """(out, in) and (in,) -> (out,). 16-bit weights are widened on their way from the memory: the sum has 32 bits."""
    return (weight.float() * x.float()).sum(-1).to(weight.dtype)


def compile_one_row(wanted: bool = True) -> None:
    """From now on, one row is multiplied by a compiled product; or, if not `wanted`, no more."""
    torch.compiler.reset()  # what was compiled for another type would count against a limit, beyond which it gives up
    Linear.one_row = torch.compile(written_out, dynamic=True) if wanted else None
