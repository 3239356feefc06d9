"""Dropout (Srivastava et al. 2014): some numbers become zero at random, the others grow so that the mean stays.

Written out because random numbers are the expensive part of it on a CPU: one random byte a number is enough.
"""

import torch
from torch import Tensor


def dropout(x: Tensor, rate: float, training: bool) -> Tensor:
    """`rate` of the numbers becomes 0, in steps of 1/256; outside of training nothing happens."""
    dropped = min(round(256 * rate), 255)  # something is always kept
    if not training or not dropped:
        return x
    # eight bytes from every random number; from -2^63 on, because by default the first bit would always be 0
    words = torch.empty(x.numel() // 8 + 1, dtype=torch.int64, device=x.device).random_(-(2**63), None)
    keep = (words.view(torch.uint8)[: x.numel()] >= dropped).view(x.shape)
    return x * (keep.to(x.dtype) * (256 / (256 - dropped)))
