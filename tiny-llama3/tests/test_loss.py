"""The chunked cross-entropy against torch's: value, gradients, ignored positions, precision."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from tiny_llama3 import loss
from tiny_llama3.loss import IGNORED, summed_cross_entropy


def example(positions, size=6, vocabulary=11, seed=0, ignored=()):
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(2, positions, size, generator=generator, requires_grad=True)
    weight = torch.randn(vocabulary, size, generator=generator, requires_grad=True)
    target = torch.randint(0, vocabulary, (2, positions), generator=generator)
    target[:, list(ignored)] = IGNORED
    return hidden, weight, target


def reference(hidden, weight, target):
    return functional.cross_entropy((hidden @ weight.T).flatten(0, 1), target.flatten(), reduction="sum")


@given(st.integers(1, 40), st.sampled_from([1, 3, 7, 512]), st.integers(0, 99), st.booleans())
def test_loss_and_gradients_equal_torch(positions, chunk, seed, some_ignored):
    hidden, weight, target = example(positions, seed=seed, ignored=(0,) if some_ignored else ())
    before, loss.CHUNK = loss.CHUNK, chunk
    try:
        ours = summed_cross_entropy(hidden, weight, target)
        with torch.no_grad():
            torch.testing.assert_close(
                summed_cross_entropy(hidden, weight, target), ours.detach(), rtol=1e-5, atol=1e-5
            )
    finally:
        loss.CHUNK = before
    theirs = reference(hidden, weight, target)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    ours_gradients = torch.autograd.grad(3 * ours, (hidden, weight))
    for mine, wanted in zip(ours_gradients, torch.autograd.grad(3 * theirs, (hidden, weight)), strict=True):
        torch.testing.assert_close(mine, wanted, rtol=1e-4, atol=1e-4)


def test_where_every_position_is_ignored_there_is_no_loss_and_no_gradient():
    hidden, weight, target = example(5, ignored=range(5))
    total = summed_cross_entropy(hidden, weight, target)
    total.backward()
    assert total.item() == 0.0 and not hidden.grad.any() and not weight.grad.any()


def test_under_autocast_only_the_products_are_rough():
    hidden, weight, target = example(600, size=64, vocabulary=50)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = summed_cross_entropy(hidden, weight, target)
    exact = reference(hidden, weight, target)
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough, exact, rtol=0.01, atol=0)
    rough_gradient, exact_gradient = torch.autograd.grad(rough, weight)[0], torch.autograd.grad(exact, weight)[0]
    assert rough_gradient.dtype == torch.float32
    assert (rough_gradient - exact_gradient).norm() < 0.02 * exact_gradient.norm()
