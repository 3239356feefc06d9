"""Costs against counted models and against FLOPs that PyTorch counts while the model runs."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from qwen_blog import costs
from qwen_blog.attention import attend
from qwen_blog.config import QwenConfig
from qwen_blog.cost_plot import cost_plot
from qwen_blog.model import use_attention
from reference import KINDS, pair


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_are_all_counted_once(kind, tmp_path):
    reference, ours = pair(kind, tmp_path)
    assert sum(group.parameters for group in costs.groups(ours.config)) == sum(
        each.numel() for each in reference.parameters()
    )


@torch.inference_mode()
@pytest.mark.parametrize("kind", ["qwen2", "qwen3", "qwen2, tied"])
def test_arithmetic_is_what_pytorch_counts(kind, tmp_path):
    _, ours = pair(kind, tmp_path)
    use_attention(ours, attend)
    cache = ours.new_cache(1, 20)
    ours(torch.ones(1, 19, dtype=torch.long), cache=cache)
    with FlopCounterMode(display=False) as counter:
        ours(torch.ones(1, 1, dtype=torch.long), cache=cache)
    vectors = sum(parameter.numel() for parameter in ours.parameters() if parameter.ndim == 1)
    assert costs.flops_per_token(ours.config, 20) - 2 * vectors == counter.get_total_flops()


def test_the_cache_is_what_is_reserved(tmp_path):
    _, ours = pair("qwen3", tmp_path)
    cache = ours.new_cache(1, 50)
    held = sum(tensor.numel() * 4 for tensor in (*cache.keys_BGSK, *cache.values_BGSK))
    assert costs.cache_bytes(ours.config, 50, "float32") == held == 2 * costs.cache_bytes(ours.config, 50, "bfloat16")
    assert costs.cache_bytes(ours.config, 50, "float32", grouped=False) == 2 * held


def test_published_sizes():
    """Qwen2.5-0.5B has 0.49 B parameters, 0.36 B of them not in the embedding (its model card)."""
    config = QwenConfig(num_key_value_heads=2, tie_word_embeddings=True)
    groups = costs.groups(config)
    assert sum(group.parameters for group in groups) == 494_032_768
    assert sum(group.parameters for group in groups if group.name != "embed_tokens") == pytest.approx(0.36e9, rel=0.01)
    moe = QwenConfig("qwen3_moe", 151_936, 2048, 6144, 48, 32, 4, 128, num_experts=128, num_experts_per_tok=8,
                     moe_intermediate_size=768, norm_topk_prob=True)  # fmt: skip
    groups = costs.groups(moe)  # Qwen3-30B-A3B
    assert sum(group.parameters for group in groups) == pytest.approx(30.5e9, rel=0.01)
    assert sum(group.active for group in groups) == pytest.approx(3.3e9, rel=0.1)


def test_a_picture():
    assert cost_plot(QwenConfig(num_key_value_heads=2), "Qwen2.5-0.5B").startswith(b"\x89PNG")
