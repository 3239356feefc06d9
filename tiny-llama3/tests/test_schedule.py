"""The learning rate's shape, by its corners."""

import itertools
import math

import pytest

from tiny_llama3.schedule import rate_share


@pytest.mark.parametrize("shape", ["cosine", "wsd"])
def test_corners(shape):
    shares = [rate_share(step, 100, shape, 10, decay_share=0.2, final_share=0.1) for step in range(1, 101)]
    assert shares[0] == pytest.approx(0.1) and shares[9] == pytest.approx(1) and shares[-1] == pytest.approx(0.1)
    assert all(a < b for a, b in itertools.pairwise(shares[:10]))
    assert all(a >= b for a, b in itertools.pairwise(shares[9:]))


def test_cosine_equals_its_formula_and_torch():
    import torch

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=90, eta_min=0.1)
    for step in range(10, 101):
        assert rate_share(step, 100, "cosine", 10) == pytest.approx(theirs.get_last_lr()[0], abs=1e-9)
        optimizer.step()
        theirs.step()
    assert rate_share(55, 100, "cosine", 10, final_share=0) == pytest.approx((1 + math.cos(math.pi / 2)) / 2)


def test_wsd_is_stable_until_the_decay():
    shares = [rate_share(step, 100, "wsd", 10, decay_share=0.2, final_share=0) for step in range(1, 101)]
    assert shares[9:80] == [1.0] * 71
    assert shares[89] == pytest.approx(0.5) and shares[99] == 0


def test_short_runs():
    assert rate_share(1, 1, "cosine", 0) == pytest.approx(0.1)
    assert rate_share(1, 1, "wsd", 1) == 1
    assert [rate_share(step, 4, "wsd", 4) for step in (1, 2, 3)] == [0.25, 0.5, 0.75]
