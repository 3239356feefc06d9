"""Nothing sees what it must not: later targets, padding, other rows of the batch; and random tokens stay random."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tiny_transformer import model as model_file
from tiny_transformer.model import Transformer, TransformerConfig
from tiny_transformer.training import Trainer, TrainingConfig

SMALL = {"vocab_size": 12, "d_model": 16, "n_heads": 2, "n_layers": 2, "d_ff": 24, "max_len": 32}


def random_model(seed, **change):
    torch.manual_seed(seed)
    model = Transformer(TransformerConfig(**(SMALL | change))).eval()
    with torch.no_grad():  # sharp attention and strong outputs: a leak would show
        for parameter in model.parameters():
            parameter.mul_(1.5)
    return model.double()  # what is left of a difference then is no rounding


CASES = {"seed": st.integers(0, 10_000), "pre_norm": st.booleans(), "length": st.integers(2, 10), "data": st.data()}


@given(**CASES)
def test_a_later_target_changes_nothing_before_it(seed, pre_norm, length, data):
    model = random_model(seed, pre_norm=pre_norm)
    source, target = torch.randint(3, 12, (2, 5)), torch.randint(3, 12, (2, length))
    t = data.draw(st.integers(0, length - 1))
    changed = target.clone()
    changed[:, t] = 3 + (changed[:, t] - 3 + data.draw(st.integers(1, 8))) % 9
    before, after = model(source, target), model(source, changed)
    assert torch.equal(before[:, :t], after[:, :t])
    assert not torch.equal(before[:, t], after[:, t])


@given(**CASES)
def test_padding_and_batch_mates_change_nothing(seed, pre_norm, length, data):
    """A row alone; the same row with more padding; the same row beside longer ones; each with another pad vector."""
    model = random_model(seed, pre_norm=pre_norm)
    source, target = torch.randint(3, 12, (1, length)), torch.randint(3, 12, (1, 6))
    alone = model(source, target)
    more_source, more_target = data.draw(st.integers(0, 9)), data.draw(st.integers(0, 9))
    mates = data.draw(st.integers(0, 3))
    wide = torch.randint(3, 12, (1 + mates, length + more_source)), torch.randint(3, 12, (1 + mates, 6 + more_target))
    for ids, row in zip(wide, (source, target), strict=True):
        ids[0] = 0
        ids[0, : row.shape[1]] = row[0]
    torch.testing.assert_close(model(*wide)[:1, :6], alone, atol=1e-10, rtol=0)
    with torch.no_grad():
        model.source_embedding.weight[0] = 50.0
        model.target_embedding.weight[0] = -50.0
    torch.testing.assert_close(model(*wide)[:1, :6], alone, atol=1e-10, rtol=0)


@pytest.mark.parametrize("pre_norm", [False, True])
def test_no_gradient_reaches_padding(pre_norm):
    model = random_model(5, pre_norm=pre_norm)
    source, target = torch.tensor([[4, 5, 0, 0], [6, 7, 8, 9]]), torch.tensor([[1, 5, 6, 0], [1, 4, 0, 0]])
    logits = model(source, target)
    logits[target != 0].square().sum().backward()
    for table in (model.source_embedding, model.target_embedding):
        assert (table.weight.grad[0] == 0).all() and (table.weight.grad[5] != 0).any()


# random targets: nothing can be learned but their length, so a model that gets better than chance has seen the answer

LETTERS, LENGTH, FIRST = 8, 7, 4
CHANCE = math.log(LETTERS) * LENGTH / (LENGTH + 1)  # nats a token; the eos after LENGTH letters is certain


def random_pairs(count, seed):
    generator = torch.Generator().manual_seed(seed)
    sides = torch.randint(FIRST, FIRST + LETTERS, (count, 2, LENGTH), generator=generator).tolist()
    return [(source, target) for source, target in sides]


def loss_after_training(pre_norm, pairs, fresh):
    torch.manual_seed(0)
    config = TransformerConfig(vocab_size=FIRST + LETTERS, d_model=32, n_heads=2, n_layers=1, d_ff=32, dropout=0.0,
                               max_len=16, pre_norm=pre_norm)  # fmt: skip
    trainer = Trainer(Transformer(config), pairs, TrainingConfig(epochs=1, batch_tokens=256, warmup_steps=100,
                                                                 label_smoothing=0.0))  # fmt: skip
    for _ in trainer.steps():
        pass
    return trainer.loss_on(fresh)


@pytest.mark.parametrize("pre_norm", [False, True])
def test_random_tokens_stay_at_chance(pre_norm):
    """Every pair is new to the model, in training as in the measurement."""
    loss = loss_after_training(pre_norm, random_pairs(6_400, 0), random_pairs(500, 1))
    assert CHANCE - 0.02 < loss < CHANCE + 0.1


@pytest.mark.parametrize("pre_norm", [False, True])
def test_without_the_causal_mask_chance_would_be_beaten(pre_norm, monkeypatch):
    """The test above can fail: a model that sees the next token writes it down."""
    monkeypatch.setattr(model_file, "causal_mask", lambda length, device: torch.ones(length, length).bool())
    assert loss_after_training(pre_norm, random_pairs(6_400, 0), random_pairs(500, 1)) < 0.3 * CHANCE
