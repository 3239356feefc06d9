"""Sinusoidal positions: the paper's formula in double precision, and the property it is chosen for."""

import math

import pytest
import torch

from tiny_transformer.positions import sinusoidal_positions


@pytest.mark.parametrize("d_model", [1, 2, 7, 16, 512])
def test_the_papers_formula(d_model):
    table = sinusoidal_positions(200, d_model)
    assert table.shape == (200, d_model)
    for position in (0, 1, 2, 3, 50, 199):
        for feature in range(0, d_model, 1 if d_model < 20 else 37):
            angle = position / 10_000 ** (2 * (feature // 2) / d_model)
            expected = math.cos(angle) if feature % 2 else math.sin(angle)
            assert table[position, feature].item() == pytest.approx(expected, abs=2e-5)


def test_known_points():
    table = sinusoidal_positions(3, 4)
    assert table[0].tolist() == [0, 1, 0, 1]
    assert table[1].tolist() == pytest.approx([math.sin(1), math.cos(1), math.sin(0.01), math.cos(0.01)], abs=1e-6)


def test_the_product_of_two_positions_depends_on_their_distance_only():
    table = sinusoidal_positions(64, 32).double()
    products = table @ table.T
    for distance in (0, 1, 5, 20):
        torch.testing.assert_close(
            products.diagonal(distance), products.diagonal(distance)[:1].expand(64 - distance), atol=1e-4, rtol=0
        )
    assert products[0, 0] > products[0, 1] > products[0, 2]


def test_all_places_differ():
    table = sinusoidal_positions(500, 16)
    assert torch.cdist(table, table).fill_diagonal_(9).min() > 0.05
