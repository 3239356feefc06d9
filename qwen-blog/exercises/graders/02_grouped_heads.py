"""Numbers that can be checked by hand, then compare with qwen_blog."""

from types import ModuleType

import torch
from tiny_shared.exercises import expect

from qwen_blog.config import QwenConfig
from qwen_blog.costs import cache_bytes


def check(answer: ModuleType) -> None:
    for heads, groups in ((6, 2), (14, 2), (4, 4), (8, 1)):
        order = torch.arange(groups).repeat_interleave(heads // groups).tolist()
        got = [answer.key_head(head, heads, groups) for head in range(heads)]
        expect(f"the key heads of {heads} query heads that share {groups} (neighbours share one)", got, order)
    expect("cache_bytes(24, 2, 64, positions=1, bytes_per_number=2)", answer.cache_bytes(24, 2, 64, 1, 2), 12_288)
    for layers, groups, positions in ((24, 2, 32_768), (28, 8, 1000), (1, 1, 1)):
        config = QwenConfig(num_hidden_layers=layers, num_key_value_heads=groups, num_attention_heads=8, head_dim=128)
        got = answer.cache_bytes(layers, groups, 128, positions, 4)
        what = f"cache_bytes({layers}, {groups}, 128, {positions}, 4)"
        expect(what, got, cache_bytes(config, positions, "float32"))
