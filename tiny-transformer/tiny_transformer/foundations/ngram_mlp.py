"""Neural n-gram model (Bengio et al. 2003): a window of characters, embedded, then one hidden layer.

A table of n-grams knows nothing about a window it never saw. Here each character becomes a vector first, so windows
that look alike get like predictions, and the window may be longer than any table could be.

Shapes: B items, T positions, W window, E embedding, V characters and the boundary.
"""

import torch
from torch import nn
from torch.nn import functional as F

from .names import BOUNDARY


class NgramMLP(nn.Module):
    """logits = output(tanh(hidden(the window's embeddings, side by side)))."""

    def __init__(self, vocab_size: int, window: int = 3, d_embedding: int = 24, d_hidden: int = 200):
        super().__init__()
        if min(window, d_embedding, d_hidden) < 1:
            raise ValueError(f"window and widths must be positive (got {window}, {d_embedding}, {d_hidden})")
        self.window = window
        self.embedding = nn.Embedding(vocab_size, d_embedding)
        self.hidden = nn.Linear(window * d_embedding, d_hidden)
        self.output = nn.Linear(d_hidden, vocab_size)

    def forward(self, ids_BT: torch.Tensor) -> torch.Tensor:
        padded = F.pad(
            ids_BT, (self.window - 1, 0), value=BOUNDARY
        )  # before the start is the boundary, again and again
        windows_BTW = padded.unfold(1, self.window, 1)
        return self.output(torch.tanh(self.hidden(self.embedding(windows_BTW).flatten(2))))
