"""The recipe: torch's own loss and gradient, the paper's learning rate, torch's average of models."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel

from tiny_transformer.recipe import averaged, smoothed_cross_entropy, warmup_rate

LOSS_CASES = {
    "batch": st.integers(1, 20),
    "length": st.integers(1, 20),  # up to 400 rows: more than are worked on at once
    "vocabulary": st.integers(2, 60),
    "smoothing": st.sampled_from([0.0, 0.1, 0.5, 0.9]),
    "upstream": st.sampled_from([1.0, -0.25]),
    "seed": st.integers(0, 2**31),
}


def drawn(batch, length, vocabulary, seed, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(batch, length, vocabulary, generator=generator)
    return logits.to(dtype).requires_grad_(), torch.randint(vocabulary, (batch, length), generator=generator)


def torchs(logits, targets, smoothing):
    return F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), ignore_index=0, reduction="sum",
                           label_smoothing=smoothing)  # fmt: skip


@given(**LOSS_CASES)
def test_loss_and_gradient_equal_torch(batch, length, vocabulary, smoothing, upstream, seed):
    logits, targets = drawn(batch, length, vocabulary, seed)
    before = logits.detach().clone()
    ours, theirs = smoothed_cross_entropy(logits, targets, 0, smoothing), torchs(logits, targets, smoothing)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=2e-6)
    (mine,) = torch.autograd.grad(ours * upstream, logits)
    (wanted,) = torch.autograd.grad(theirs * upstream, logits)
    torch.testing.assert_close(mine, wanted, atol=1e-6, rtol=1e-5)
    assert torch.equal(logits, before)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_bfloat16_logits(smoothing):
    """The sums are made in 32 bits; only the gradient is rounded to what the logits are."""
    logits, targets = drawn(16, 20, 500, 0, torch.bfloat16)
    ours, theirs = smoothed_cross_entropy(logits, targets, 0, smoothing), torchs(logits, targets, smoothing)
    assert ours.dtype == torch.float32
    torch.testing.assert_close(ours, theirs, atol=0, rtol=2e-6)
    (mine,) = torch.autograd.grad(ours, logits)
    (wanted,) = torch.autograd.grad(theirs, logits)
    assert mine.dtype == torch.bfloat16
    torch.testing.assert_close(mine, wanted, atol=1e-4, rtol=0.01)


def test_gradient_equals_differences():
    """No autograd at all: the slope of the loss, from its values a small step apart."""
    logits, targets = drawn(2, 3, 5, 1)
    (gradient,) = torch.autograd.grad(smoothed_cross_entropy(logits, targets, 0, 0.1), logits)
    with torch.no_grad():
        for place in [(0, 0, 0), (0, 1, 4), (1, 2, 3), (1, 0, 2)]:
            step = torch.zeros_like(logits)
            step[place] = 0.01
            sides = [float(smoothed_cross_entropy(logits + sign * step, targets, 0, 0.1)) for sign in (1, -1)]
            assert (sides[0] - sides[1]) / 0.02 == pytest.approx(gradient[place].item(), abs=2e-3)


def test_padding_alone_costs_nothing():
    logits, _ = drawn(2, 3, 5, 0)
    loss = smoothed_cross_entropy(logits, torch.zeros(2, 3, dtype=torch.long), 0, 0.1)
    loss.backward()
    assert loss == 0 and (logits.grad == 0).all()


def test_warmup_has_the_papers_values():
    assert warmup_rate(4000, 512, 4000) == pytest.approx(6.98771e-4, rel=1e-5)  # the peak of the base model
    assert warmup_rate(1, 512, 4000) == pytest.approx(1.74693e-7, rel=1e-5)
    assert warmup_rate(16_000, 512, 4000) == pytest.approx(warmup_rate(4000, 512, 4000) / 2)
    assert warmup_rate(2000, 512, 4000) == pytest.approx(warmup_rate(4000, 512, 4000) / 2)
    assert warmup_rate(7, 128, 10, factor=3) == pytest.approx(3 * 128**-0.5 * min(7**-0.5, 7 * 10**-1.5))


def test_warmup_rises_to_its_peak_and_falls():
    rates = [warmup_rate(step, 64, 50) for step in range(1, 300)]
    assert rates.index(max(rates)) == 49
    assert rates[:50] == sorted(rates[:50]) and rates[49:] == sorted(rates[49:], reverse=True)


def test_average_equals_torchs_averaged_model():
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    theirs, snapshots = AveragedModel(model), []
    for _ in range(5):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.normal_()
        theirs.update_parameters(model)
        snapshots.append({name: tensor.clone() for name, tensor in model.state_dict().items()})
    ours = averaged(snapshots)
    assert ours.keys() == theirs.module.state_dict().keys()
    for name, tensor in theirs.module.state_dict().items():
        torch.testing.assert_close(ours[name], tensor, atol=1e-6, rtol=0)


def test_average_keeps_the_type_and_needs_something():
    (tensor,) = averaged([{"w": torch.tensor([1.0, 2.0], dtype=torch.bfloat16)}] * 3).values()
    assert tensor.dtype == torch.bfloat16 and tensor.tolist() == [1, 2]
    with pytest.raises(ValueError, match="one checkpoint or more"):
        averaged([])
