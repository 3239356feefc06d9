"""Other heads on the same body: one label for a whole text, or one for every token.

Shapes: B batch, T positions, D hidden size, L labels.
"""

import torch
from torch import Tensor, nn

from qwen_blog.config import QwenConfig
from qwen_blog.linear import Linear
from qwen_blog.model import Body, documents_of


class SequenceClassifier(nn.Module):
    """The last token has seen the whole text, so its row is classified."""

    def __init__(self, config: QwenConfig) -> None:
        super().__init__()
        self.config = config
        self.model = Body(config)
        self.score = Linear(config.hidden_size, config.num_labels, bias=False)

    def forward(self, ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Logits of the labels, (B, L)."""
        hidden_BTD = self.model(ids, documents_of(ids, attention_mask, None, self.config), None)
        logits_BTL = self.score(hidden_BTD)
        return logits_BTL[torch.arange(len(ids), device=ids.device), self.last_B(ids, attention_mask)]

    def last_B(self, ids: Tensor, attention_mask: Tensor | None) -> Tensor:
        """The place of each row's last token that isn't padding."""
        if attention_mask is None:
            pad = self.config.pad_token_id
            attention_mask = torch.ones_like(ids) if pad is None else (ids != pad).long()
        places_T = torch.arange(ids.shape[1], device=ids.device)
        return (places_T * attention_mask.long()).argmax(-1)


class TokenClassifier(nn.Module):
    def __init__(self, config: QwenConfig) -> None:
        super().__init__()
        self.config = config
        self.model = Body(config)
        self.score = Linear(config.hidden_size, config.num_labels)

    def forward(self, ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Logits of the labels of every token, (B, T, L)."""
        return self.score(self.model(ids, documents_of(ids, attention_mask, None, self.config), None))
