"""Find induction heads: heads that look back to what came after the same token last time (Olsson et al. 2022,
arXiv:2209.11895). They are how a model copies from its text, and a large part of how it learns from examples in it.

Shapes: L layers, H heads, B texts, T positions.
"""

import random

import torch
from torch import Tensor

from qwen_blog.model import Qwen
from qwen_blog.recorder import recorded


@torch.inference_mode()
def induction_scores(model: Qwen, half: int = 24, texts: int = 8, seed: int = 0) -> Tensor:
    """For every head, the share of attention on the right place, (L, H); 1 is a perfect induction head.

    The texts are `half` different tokens by chance, twice. In the second half, a token at t
    stood at t - half before, and what came after it stands at t - half + 1: there an induction head looks.
    """
    chance = random.Random(seed)
    first_BT = torch.tensor([chance.sample(range(model.config.vocab_size), half) for _ in range(texts)])
    root, _ = recorded(model, torch.cat([first_BT, first_BT], 1))
    asks_T = torch.arange(half, 2 * half)
    scores = [visit.tensors["weights_BHTS"][:, :, asks_T, asks_T - half + 1].float().mean((0, 2))
              for visit in root.all("attend")]  # fmt: skip
    return torch.stack(scores).cpu()
