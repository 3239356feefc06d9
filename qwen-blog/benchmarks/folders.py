"""A model of random weights in the shape of Qwen2.5-0.5B, as a folder that both sides load."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from qwen_blog import hub
from qwen_blog.config import QwenConfig
from qwen_blog.model import Qwen

SHAPE = QwenConfig(num_key_value_heads=2, tie_word_embeddings=True)  # Qwen2.5-0.5B: 494 million parameters
TRIED = QwenConfig(vocab_size=500, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
                   num_key_value_heads=2, tie_word_embeddings=True)  # fmt: skip
TRY = 0.1  # a scale below it only shows that the code works


@cache
def folder(tried: bool, dtype: str) -> "TemporaryDirectory[str]":
    """Kept until the process ends."""
    torch.manual_seed(0)
    config = TRIED if tried else SHAPE
    model = Qwen(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.normal_(0, 0.02)
    kept = TemporaryDirectory(prefix="qwen-bench-", ignore_cleanup_errors=True)
    hub.save(Path(kept.name), model.to(getattr(torch, dtype)))
    return kept


def both(tried: bool, dtype: str) -> tuple[Qwen, Any]:
    """Ours, and theirs of the same weights and type."""
    from transformers import AutoModelForCausalLM

    place = folder(tried, dtype).name
    ours, _ = hub.load(place)
    theirs = AutoModelForCausalLM.from_pretrained(place, dtype=getattr(torch, dtype)).eval()
    return ours, theirs
