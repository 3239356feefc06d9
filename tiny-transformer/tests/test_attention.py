"""Attention: torch's own functions give the same numbers, and nothing turns into NaN."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from tiny_transformer.attention import MultiHeadAttention, attention_weights, scaled_dot_product_attention

SIZES = st.integers(1, 9)


@st.composite
def inputs(draw):
    """Query, key, value, and a mask in one of the shapes that broadcast; some rows may see nothing."""
    batch, heads, t, s, k = (draw(SIZES) for _ in range(5))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    query = torch.randn(batch, heads, t, k, generator=generator)
    key, value = (torch.randn(batch, heads, s, k, generator=generator) for _ in range(2))
    shape = draw(st.sampled_from([None, (t, s), (batch, 1, 1, s), (batch, 1, t, s), (batch, heads, t, s)]))
    if shape is None:
        return query, key, value, None
    visible = torch.rand(shape, generator=generator) < draw(st.sampled_from([0.1, 0.5, 0.9]))
    return query, key, value, visible


@given(inputs())
def test_equals_torch_with_gradients(given_inputs):
    query, key, value, mask = given_inputs
    tensors = [tensor.requires_grad_() for tensor in (query, key, value)]
    ours = scaled_dot_product_attention(query, key, value, mask)
    theirs = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-6)
    upstream = torch.randn(ours.shape, generator=torch.Generator().manual_seed(0))
    mine, wanted = (torch.autograd.grad(output, tensors, upstream) for output in (ours, theirs))
    for our_gradient, their_gradient in zip(mine, wanted, strict=True):
        torch.testing.assert_close(our_gradient, their_gradient, atol=5e-6, rtol=1e-5)


@given(inputs())
def test_every_row_sums_to_one_or_sees_nothing(given_inputs):
    query, key, _, mask = given_inputs
    weights = attention_weights(query, key, mask)
    visible = torch.ones_like(weights, dtype=torch.bool) if mask is None else mask.expand_as(weights)
    assert (weights[~visible] == 0).all() and (weights >= 0).all()
    torch.testing.assert_close(weights.sum(-1), visible.any(-1).float(), atol=1e-6, rtol=0)


def test_a_row_that_sees_nothing_gives_zeros_and_no_gradient():
    query, key, value = (torch.randn(2, 3, 4, requires_grad=True) for _ in range(3))
    mask = torch.ones(3, 3, dtype=torch.bool)
    mask[1] = False
    output = scaled_dot_product_attention(query, key, value, mask)
    assert (output[:, 1] == 0).all() and (output[:, 0] != 0).all()
    gradients = torch.autograd.grad(output.sum(), (query, key, value))
    assert (gradients[0][:, 1] == 0).all()
    assert all(gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64])
def test_huge_scores_stay_finite(dtype):
    query = torch.full((1, 2, 4), 100.0, dtype=dtype)
    mask = torch.tensor([[True, False], [False, False]])
    output = scaled_dot_product_attention(query, query, torch.ones(1, 2, 4, dtype=dtype), mask)
    assert output.dtype == dtype
    assert output.tolist() == [[[1.0] * 4, [0.0] * 4]]


def test_by_hand():
    """Scores 8 and 0 over √4: softmax of 4 and 0 is 0.9820 and 0.0180."""
    query, key = torch.tensor([[2.0, 2.0, 2.0, 2.0]]), torch.tensor([[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]])
    share = 1 / (1 + math.exp(-4))
    assert attention_weights(query, key).tolist()[0] == pytest.approx([share, 1 - share], abs=1e-6)


def pair(d_model, n_heads, seed):
    """nn.MultiheadAttention with random weights and biases, and ours with the same."""
    torch.manual_seed(seed)
    theirs = nn.MultiheadAttention(d_model, n_heads, batch_first=True)
    ours = MultiHeadAttention(d_model, n_heads)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.normal_(std=d_model**-0.5)
        parts = zip((ours.query, ours.key, ours.value), theirs.in_proj_weight.chunk(3),
                    theirs.in_proj_bias.chunk(3), strict=True)  # fmt: skip
        for linear, weight, bias in parts:
            linear.weight.copy_(weight)
            linear.bias.copy_(bias)
        ours.output.weight.copy_(theirs.out_proj.weight)
        ours.output.bias.copy_(theirs.out_proj.bias)
    return ours, theirs


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("d_model", "n_heads"), [(12, 1), (12, 3), (32, 8)])
def test_many_heads_equal_torch(d_model, n_heads, seed):
    ours, theirs = pair(d_model, n_heads, seed)
    b, t, s = 3, 4, 6
    query, key, value = torch.randn(b, t, d_model), torch.randn(b, s, d_model), torch.randn(b, s, d_model)
    padded = torch.arange(s) >= torch.tensor([s, 4, 1])[:, None]  # theirs: True = may not
    forbidden = torch.rand(t, s) < 0.4
    forbidden[:, 0] = False  # torch gives NaN where nothing is visible
    mask = ~forbidden & ~padded[:, None, None, :]
    expected, weights = theirs(query, key, value, key_padding_mask=padded, attn_mask=forbidden,
                               average_attn_weights=False)  # fmt: skip
    torch.testing.assert_close(ours(query, key, value, mask), expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(
        ours.weights(query, ours.keys_and_values(key, value)[0], mask), weights, atol=1e-5, rtol=0
    )
    torch.testing.assert_close(ours(query, key, value), theirs(query, key, value)[0], atol=1e-5, rtol=0)


def test_where_all_is_padding_only_the_bias_is_left():
    ours, _ = pair(8, 2, 0)
    x = torch.randn(2, 5, 8)
    output = ours(x, x, x, torch.zeros(2, 1, 1, 5, dtype=torch.bool))
    torch.testing.assert_close(output, ours.output.bias.expand_as(output), atol=1e-7, rtol=0)


def test_dropout_acts_in_training_only():
    x = torch.randn(2, 5, 8)
    layer = MultiHeadAttention(8, 2, dropout=0.5)
    assert not torch.equal(layer(x, x, x), layer(x, x, x))
    layer.eval()
    assert torch.equal(layer(x, x, x), layer(x, x, x))


@pytest.mark.parametrize("n_heads", [0, 3, -2])
def test_refuses_heads_that_do_not_divide(n_heads):
    with pytest.raises(ValueError, match=f"got {n_heads}, 8"):
        MultiHeadAttention(8, n_heads)
