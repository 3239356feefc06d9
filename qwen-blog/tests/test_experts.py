"""Routing and the load-balancing loss, beside `transformers` and on cases that can be counted by hand."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers.models.qwen3_moe.modeling_qwen3_moe import load_balancing_loss_func

from qwen_blog.experts import load_balancing_loss, routers
from reference import EXPERTS, pair, random_ids


@given(st.integers(1, 3), st.integers(2, 6), st.integers(1, 2), st.booleans(), st.integers(0, 99))
def test_the_loss_is_theirs(layers, experts, chosen, padded, seed):
    generator = torch.Generator().manual_seed(seed)
    logits: Any = [torch.randn(8, experts, generator=generator) for _ in range(layers)]
    gates: Any = tuple(logits)
    mask = torch.tensor([[1, 1, 1, 0], [1, 1, 1, 1]]) if padded else None
    expected = load_balancing_loss_func(gates, experts, chosen, mask)
    torch.testing.assert_close(load_balancing_loss(logits, chosen, mask), expected)


def test_balance_costs_least_and_a_crowd_most():
    even = torch.eye(4).repeat(2, 1) * 20  # every expert chosen by two of eight tokens, for certain
    crowd = torch.tensor([[20.0, 0, 0, 0]]).repeat(8, 1)
    assert load_balancing_loss([even], 1).item() == pytest.approx(1, abs=1e-4)
    assert load_balancing_loss([crowd], 1).item() == pytest.approx(4, abs=1e-4)


@torch.inference_mode()
def test_routers_are_collected_and_let_go(tmp_path):
    reference, ours = pair("qwen3-moe", tmp_path)
    ids = random_ids()
    with routers(ours) as said:
        ours(ids)
    expected = reference(ids, output_router_logits=True).router_logits
    assert len(said) == len(expected) == 3
    for got, wanted in zip(said, expected, strict=True):
        torch.testing.assert_close(
            got.softmax(-1), wanted if wanted.sum(-1).allclose(torch.ones(len(wanted))) else wanted.softmax(-1)
        )
    ours(ids)
    assert len(said) == 3 and said[0].shape == (22, EXPERTS["num_experts"])
