"""Dropout by random bytes: the rate, the mean, independence, and the gradient."""

import pytest
import torch
from torch.nn import functional as F

from tiny_transformer.dropout import dropout

N = 400_000
RATES = [0.004, 0.1, 0.25, 0.5, 0.9, 0.99]


@pytest.mark.parametrize("rate", RATES)
def test_rate_mean_and_scale(rate):
    torch.manual_seed(0)
    exact = round(256 * rate) / 256
    assert abs(exact - rate) <= 1 / 512
    y = dropout(torch.ones(N), rate, training=True)
    sigma = (exact * (1 - exact) / N) ** 0.5
    assert (y == 0).double().mean().item() == pytest.approx(exact, abs=5 * sigma)
    assert y.double().mean().item() == pytest.approx(1, abs=5 * sigma / (1 - exact))
    assert y.unique().tolist() == pytest.approx([0, 1 / (1 - exact)])


def test_same_scale_as_torch():
    assert dropout(torch.ones(999), 0.25, True).max() == F.dropout(torch.ones(999), 0.25).max()


@pytest.mark.parametrize("rate", [0.997, 0.998, 0.999, 0.999999])
def test_a_rate_just_below_one_still_keeps_something(rate):
    """TransformerConfig takes everything below 1."""
    y = dropout(torch.ones(100_000), rate, True)
    assert y.isfinite().all() and 0 < (y != 0).double().mean() < 0.01


def test_the_eight_bytes_of_a_word_are_independent():
    """All 256 patterns of kept and dropped are equally frequent at rate 1/2: chi-square with 255 degrees."""
    torch.manual_seed(1)
    kept = dropout(torch.ones(N), 0.5, True).view(-1, 8) != 0
    patterns = (kept.long() * 2 ** torch.arange(8)).sum(1)
    counts, expected = torch.bincount(patterns, minlength=256).double(), N / 8 / 256
    chi_square = ((counts - expected) ** 2 / expected).sum().item()
    assert abs(chi_square - 255) < 6 * (2 * 255) ** 0.5


def test_neighbouring_words_are_independent():
    torch.manual_seed(2)
    kept = (dropout(torch.ones(N), 0.3, True) != 0).double()
    for lag in (1, 7, 8, 9, 16, 64):
        both = torch.corrcoef(torch.stack([kept[:-lag], kept[lag:]]))[0, 1].item()
        assert abs(both) < 5 / N**0.5, lag


def test_nothing_happens_outside_of_training_or_at_rate_zero():
    x = torch.randn(10)
    assert dropout(x, 0.5, training=False) is x
    assert dropout(x, 0.0, training=True) is x


def test_the_gradient_passes_through_what_was_kept():
    x = torch.randn(5, 7, 3, requires_grad=True)
    y = dropout(x, 0.5, True)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal(gradient.bool(), y.bool())
    torch.testing.assert_close(gradient * x.detach(), y.detach())


@pytest.mark.parametrize("shape", [(0,), (1,), (7,), (8,), (9,), (3, 5)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_every_shape_and_type(shape, dtype):
    y = dropout(torch.ones(shape, dtype=dtype), 0.5, True)
    assert (y.shape, y.dtype) == (torch.Size(shape), dtype)
    assert set(y.flatten().tolist()) <= {0.0, 2.0}


def test_torch_seeds_it():
    def draw():
        torch.manual_seed(3)
        return dropout(torch.ones(100), 0.5, True)

    assert torch.equal(draw(), draw())
    assert not torch.equal(draw(), dropout(torch.ones(100), 0.5, True))
