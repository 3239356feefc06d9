"""The MLP: SwiGLU (Shazeer 2020, arXiv:2002.05202). A gate decides how much of each of F features goes through.

Shapes: B batch, T positions, D hidden size, F intermediate size.
"""

from torch import Tensor, nn
from torch.nn import functional

from qwen_blog.linear import Linear


class MLP(nn.Module):
    def __init__(self, hidden_size: int, intermediate_size: int) -> None:
        super().__init__()
        self.gate_proj = Linear(hidden_size, intermediate_size, bias=False)
        self.up_proj = Linear(hidden_size, intermediate_size, bias=False)
        self.down_proj = Linear(intermediate_size, hidden_size, bias=False)

    def forward(self, x_BTD: Tensor) -> Tensor:
        gate_BTF = functional.silu(self.gate_proj(x_BTD))  # x * sigmoid(x): near 0 it is shut, above it is open
        up_BTF = self.up_proj(x_BTD)
        gated_BTF = gate_BTF * up_BTF
        return self.down_proj(gated_BTF)
