"""From Qwen2 to Qwen3 (Yang et al. 2025, arXiv:2505.09388): all that changes, on one page.

attention  no bias on q, k and v; instead every head's query and key are normalised before they are turned. A bias or a
           large weight could make scores grow without bound; a normalised query and key have a length that the norm's
           weight sets.
heads      head_dim is a number of its own: Qwen3-0.6B has 16 heads of 128 on a hidden size of 1024, so q_proj widens.
experts    no shared expert, and the chosen experts' shares are made to add up to 1 (norm_topk_prob).

Shapes: B batch, T positions, D hidden size, H query heads, G key/value heads, K head size.
"""

from torch import Tensor

from qwen_blog.attention import Attention
from qwen_blog.config import QwenConfig
from qwen_blog.rmsnorm import RMSNorm


class Qwen3Attention(Attention):
    def __init__(self, config: QwenConfig) -> None:
        super().__init__(config)
        self.q_norm = RMSNorm(config.head_size, config.rms_norm_eps)  # one weight for all heads
        self.k_norm = RMSNorm(config.head_size, config.rms_norm_eps)

    def queries(self, x_BTD: Tensor) -> Tensor:
        return self.q_norm(super().queries(x_BTD))

    def keys(self, x_BTD: Tensor) -> Tensor:
        return self.k_norm(super().keys(x_BTD))
