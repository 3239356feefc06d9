"""The examples of the text, then random routers against qwen_blog.experts."""

from types import ModuleType

import torch
from tiny_shared.exercises import expect

from qwen_blog.experts import load_balancing_loss


def check(answer: ModuleType) -> None:
    expect("balance_loss([[0.8, 0.2], [0.4, 0.6]])", answer.balance_loss([[0.8, 0.2], [0.4, 0.6]]), 1.0, 1e-6)
    expect("balance_loss([[0.8, 0.2], [0.6, 0.4]])", answer.balance_loss([[0.8, 0.2], [0.6, 0.4]]), 1.4, 1e-6)
    generator = torch.Generator().manual_seed(0)
    for tokens, experts in ((1, 3), (7, 2), (20, 8)):
        logits = torch.randn(tokens, experts, generator=generator) * 2
        got = answer.balance_loss(logits.softmax(-1).tolist())
        expect(
            f"balance_loss of {tokens} tokens and {experts} experts", got, float(load_balancing_loss([logits], 1)), 1e-4
        )
