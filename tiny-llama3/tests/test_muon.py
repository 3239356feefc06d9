"""Muon: singular values go to about 1, the direction is that of the SVD, and it learns."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tiny_llama3.muon import Muon, orthogonalised


@given(st.integers(2, 24), st.integers(2, 24), st.integers(0, 99))
def test_singular_values_are_pulled_to_one(rows, columns, seed):
    torch.manual_seed(seed)
    u, _, v = torch.linalg.svd(torch.randn(rows, columns), full_matrices=False)
    values = torch.logspace(-1.5, 0, min(rows, columns))  # a condition of 30
    matrix = u @ torch.diag(values) @ v
    found = orthogonalised(matrix[None], dtype=torch.float32)[0]
    singular = torch.linalg.svdvals(found)
    assert singular.min() > 0.3 and singular.max() < 1.3
    # the same directions as the exact answer U Vᵀ: their product is symmetric and positive
    turned = found @ (u @ v).T if rows <= columns else (u @ v).T @ found
    torch.testing.assert_close(turned, turned.T, atol=1e-3, rtol=0)


def test_one_step_is_the_formula():
    torch.manual_seed(0)
    weights = [torch.nn.Parameter(torch.randn(6, 3)) for _ in range(3)]
    before = [weight.detach().clone() for weight in weights]
    optimizer = Muon(weights, lr=0.1, momentum=0.9, weight_decay=0.5, dtype=torch.float32)
    kept = [torch.zeros(6, 3) for _ in weights]
    for _ in range(2):
        for number, weight in enumerate(weights):
            weight.grad = torch.randn(6, 3)
            kept[number] = 0.9 * kept[number] + 0.1 * weight.grad
            ahead = 0.1 * weight.grad + 0.9 * kept[number]
            direction = orthogonalised(ahead[None], dtype=torch.float32)[0]
            before[number] = before[number] * (1 - 0.1 * 0.5) - 0.1 * 2**0.5 * direction
        optimizer.step()
    for weight, wanted in zip(weights, before, strict=True):
        torch.testing.assert_close(weight.detach(), wanted, atol=1e-5, rtol=0)


def test_it_finds_a_matrix():
    torch.manual_seed(0)
    wanted, weight = torch.randn(8, 8), torch.nn.Parameter(torch.zeros(8, 8))
    optimizer = Muon([weight], lr=0.1, dtype=torch.float32)
    for step in range(200):
        optimizer.param_groups[0]["lr"] = 0.1 * (1 - step / 200)
        loss = (weight - wanted).square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.01 * wanted.square().sum()


def test_only_matrices():
    with pytest.raises(ValueError, match="matrices"):
        Muon([torch.nn.Parameter(torch.zeros(3))])
