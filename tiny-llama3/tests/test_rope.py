"""Rotary positions against transformers, and the property that makes them useful."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding, apply_rotary_pos_emb

from tiny_llama3.rope import RopeScaling, pair_frequencies, rotate, rotation_table


def hugging_face(head_size, theta, scaling, positions):
    rope = {"rope_type": "llama3" if scaling else "default", "rope_theta": theta} | (vars(scaling) if scaling else {})
    config = LlamaConfig(hidden_size=head_size, num_attention_heads=1, head_dim=head_size, rope_parameters=rope,
                         max_position_embeddings=max(positions, 64))  # fmt: skip
    return LlamaRotaryEmbedding(config)(torch.zeros(1), torch.arange(positions)[None])


@given(
    positions=st.integers(1, 60), half=st.integers(1, 32), theta=st.sampled_from([1e4, 5e5]),
    scaling=st.none() | st.builds(RopeScaling, factor=st.floats(1, 32), low_freq_factor=st.floats(0.5, 2),
                                  high_freq_factor=st.floats(2.5, 8),
                                  original_max_position_embeddings=st.integers(8, 8192)),
)  # fmt: skip
def test_rotation_equals_transformers(positions, half, theta, scaling):
    x_BHTK = torch.randn(1, 2, positions, 2 * half)
    theirs, _ = apply_rotary_pos_emb(x_BHTK, x_BHTK, *hugging_face(2 * half, theta, scaling, positions))
    ours = rotate(x_BHTK, *rotation_table(positions, pair_frequencies(2 * half, theta, scaling)))
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=0)


def test_scores_depend_on_the_distance_only():
    query, key = torch.randn(8, dtype=torch.float64), torch.randn(8, dtype=torch.float64)
    cos, sin = (table.double() for table in rotation_table(50, pair_frequencies(8, 100.0)))
    queries, keys = rotate(query.expand(50, 8), cos, sin), rotate(key.expand(50, 8), cos, sin)
    scores_TS = queries @ keys.T
    for distance in (0, 1, 7, -3):
        along = scores_TS.diagonal(distance)
        assert (along - along[0]).abs().max() < 1e-5
    assert (scores_TS.diagonal(1)[0] - scores_TS.diagonal(7)[0]).abs() > 1e-3


def test_scaling_slows_only_pairs_that_never_came_round():
    scaling = RopeScaling(8.0, 1.0, 4.0, 8192)
    plain, scaled = pair_frequencies(128, 5e5), pair_frequencies(128, 5e5, scaling)
    turns = 8192 * plain / (2 * torch.pi)
    assert torch.equal(scaled[turns > 4], plain[turns > 4])
    torch.testing.assert_close(scaled[turns < 1], plain[turns < 1] / 8)
    between = (turns < 4) & (turns > 1)
    assert between.any() and ((scaled < plain) & (scaled > plain / 8))[between].all()


@pytest.mark.parametrize("values", [(0.5, 1, 4, 8), (8, 4, 1, 8), (8, 0, 4, 8), (8, 1, 4, 0)])
def test_nonsense_is_refused(values):
    with pytest.raises(ValueError, match="rope scaling"):
        RopeScaling(*values)
