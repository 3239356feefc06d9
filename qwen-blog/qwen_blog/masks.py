"""Who may look at whom: no later position, no padding, no other document, nothing beyond the window.

Shapes: B batch, T positions that ask, S positions that are asked (the last T of them ask).
"""

import torch
from torch import Tensor


def mask(documents_BS: Tensor, asking: int, window: int | None = None) -> Tensor:
    """True where a position may look: (B, 1, T, S).

    `documents_BS` numbers the documents that are packed into a row from 1 on; 0 is padding, left, right or between.
    `window` limits how far back a position looks, itself included (Beltagy et al. 2020, arXiv:2004.05150).
    """
    seen = documents_BS.shape[1]
    place_S = torch.arange(seen, device=documents_BS.device)
    place_T1 = place_S[seen - asking :, None]
    allowed_BTS = (place_S <= place_T1) & (documents_BS[:, seen - asking :, None] == documents_BS[:, None, :])
    if window is not None:
        allowed_BTS = allowed_BTS & (place_T1 - place_S < window)
    allowed_BTS = allowed_BTS & (documents_BS != 0)[:, None, :]
    # padding looks at itself: softmax over nothing would be 0/0, and NaN spreads
    return (allowed_BTS | (place_S == place_T1))[:, None]


def needs_mask(documents_BS: Tensor | None, asking: int, seen: int, window: int | None) -> bool:
    """False where looking at all earlier positions is right, which needs no tensor."""
    limited = window is not None and seen > window
    return documents_BS is not None or limited or 1 < asking < seen
