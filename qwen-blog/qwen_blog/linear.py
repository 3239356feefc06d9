"""y = W x + b, as nn.Linear has it, and quicker for the one row of a decoding step.

Writing one token reads every weight once and does two operations with it: the memory is the limit, not the arithmetic.
PyTorch's matrix-vector product reads 16-bit weights about a quarter faster than its matrix product on a CPU.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


class Linear(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        one_row = x.numel() == self.in_features and x.dtype == torch.bfloat16 and x.device.type == "cpu"
        if one_row and not torch.is_grad_enabled():
            row = torch.mv(self.weight, x.reshape(-1))
            return (row if self.bias is None else row + self.bias).view(*x.shape[:-1], -1)
        return functional.linear(x, self.weight, self.bias)
