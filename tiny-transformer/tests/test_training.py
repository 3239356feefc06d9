"""The training loop: the same weights as a plain torch loop, and a state from which it goes on exactly."""

import dataclasses

import pytest
import torch
from torch.nn import functional as F

from tiny_transformer.batches import collate
from tiny_transformer.model import Transformer, TransformerConfig
from tiny_transformer.problem import Problem
from tiny_transformer.recipe import warmup_rate
from tiny_transformer.training import Trainer, TrainingConfig, best_precision, load_weights, own_weights

MODEL = TransformerConfig(vocab_size=12, d_model=16, n_heads=2, n_layers=1, d_ff=16, dropout=0.0, max_len=16)
TRAINING = TrainingConfig(epochs=3, batch_tokens=64, warmup_steps=10)


def pairs(count=40, seed=0):
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for _ in range(count):
        sides = [
            torch.randint(3, 12, (int(n),), generator=generator) for n in torch.randint(1, 9, (2,), generator=generator)
        ]
        rows.append((sides[0].tolist(), sides[1].tolist()))
    return rows


def trainer(config=TRAINING, model=MODEL, data=None, seed=0):
    torch.manual_seed(seed)
    return Trainer(Transformer(model), data or pairs(), config)


def steps(training, count):
    """That many steps, through the ends of epochs."""
    while count:
        for _ in training.steps():
            count -= 1
            if not count:
                return


def test_equals_a_plain_torch_loop():
    """torch's loss, its own Adam and its own clipping; only the model and the batches are ours."""
    ours = trainer()
    torch.manual_seed(0)
    model = Transformer(MODEL)
    optimizer = torch.optim.Adam(model.parameters(), lr=1.0, betas=(0.9, 0.98), eps=1e-9)
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warmup_rate(step + 1, 16, 10))
    total, tokens = 0.0, 0
    for batch in (collate([ours.pairs[n] for n in numbers], 0, 1, 2) for numbers in ours.plan):
        out = batch.target_out_BT.flatten()
        loss = F.cross_entropy(model(batch.source_BS, batch.target_in_BT).flatten(0, 1), out, ignore_index=0,
                               label_smoothing=0.1)  # fmt: skip
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        rate.step()
        real = int((out != 0).sum())
        total, tokens = total + loss.item() * real, tokens + real
    for _ in ours.steps():
        pass
    assert ours.step > 5
    for name, tensor in model.state_dict().items():
        if name.endswith("key.bias"):  # softmax does not feel it: its gradient is rounding, which Adam makes large
            continue
        torch.testing.assert_close(ours.model.state_dict()[name], tensor, atol=1e-5, rtol=1e-4)
    assert ours.mean_loss() == pytest.approx(total / tokens, rel=1e-5)
    assert ours.mean_loss() == 0


@torch.no_grad()
def test_validation_loss_equals_torch_one_pair_at_a_time():
    ours = trainer(model=dataclasses.replace(MODEL, dropout=0.5))
    total, tokens = 0.0, 0
    ours.model.eval()
    for source, target in pairs(20, 1):
        logits = ours.model(torch.tensor([[*source, 2]]), torch.tensor([[1, *target]]))
        total += F.cross_entropy(logits[0], torch.tensor([*target, 2]), reduction="sum").item()
        tokens += len(target) + 1
    ours.model.train()
    assert ours.loss_on(pairs(20, 1)) == pytest.approx(total / tokens, rel=1e-5)


@pytest.mark.parametrize("stop", [1, 4, 9, 13, 20])
@pytest.mark.parametrize("tied", [False, True])
def test_goes_on_as_if_nothing_had_happened(stop, tied):
    """At any step, with dropout: the same weights bit for bit, the same sums, the same order of batches."""
    model = dataclasses.replace(MODEL, dropout=0.2, inner_dropout=0.1, tie_embeddings=tied)
    whole = trainer(model=model)
    steps(whole, stop)
    tensors, numbers = whole.state()
    tensors = {name: tensor.clone() for name, tensor in tensors.items()}
    steps(whole, 10)
    again = trainer(model=model, seed=99)
    again.restore(tensors, numbers)
    steps(again, 10)
    assert (whole.step, whole.epoch, whole.place) == (again.step, again.epoch, again.place)
    assert whole.mean_loss() == again.mean_loss()
    for name, tensor in own_weights(whole.model).items():
        assert torch.equal(tensor, own_weights(again.model)[name]), name


def test_every_epoch_has_its_own_order_that_the_seed_decides():
    first, second = trainer(), trainer(dataclasses.replace(TRAINING, seed=1))
    plan = first.plan
    assert plan != second.plan and plan == trainer().plan
    for _ in first.steps():
        pass
    assert first.plan != plan and first.epoch == 1 and not first.finished
    assert first.total_steps == pytest.approx(3 * len(plan), abs=9)


def test_the_rate_follows_the_schedule():
    ours = trainer(dataclasses.replace(TRAINING, rate_factor=2.0))
    for step in ours.steps():
        assert ours.optimizer.param_groups[0]["lr"] == warmup_rate(step, 16, 10, 2.0)


@pytest.mark.parametrize("change", [{"label_smoothing": 0.0}, {"clip_norm": 0.01}, {"rate_factor": 3.0}, {"seed": 1},
                                    {"warmup_steps": 99}, {"batch_tokens": 32}, {"precision": "bf16"}])  # fmt: skip
def test_every_setting_changes_the_weights(change):
    plain, changed = trainer(), trainer(dataclasses.replace(TRAINING, **change))
    steps(plain, 3)
    steps(changed, 3)
    assert not torch.equal(plain.model.output.weight, changed.model.output.weight)


def test_bf16_learns_nearly_the_same():
    plain, half = trainer(), trainer(dataclasses.replace(TRAINING, precision="bf16"))
    steps(plain, 12)
    steps(half, 12)
    assert half.model.output.weight.dtype == torch.float32
    assert half.mean_loss() == pytest.approx(plain.mean_loss(), rel=0.02)


def test_precision_of_this_machine_is_one_it_has():
    assert best_precision("cpu") in ("fp32", "bf16")
    assert best_precision("mps") == "fp32"


def test_it_learns():
    """To write its source once more; four letters suffice to see that it does."""
    generator = torch.Generator().manual_seed(0)
    rows = [row.tolist() for row in torch.randint(3, 7, (1500, 4), generator=generator)]
    ours = trainer(dataclasses.replace(TRAINING, batch_tokens=128, warmup_steps=60), data=[(row, row) for row in rows])
    before = ours.loss_on(ours.pairs[:50])
    for _ in range(4):
        steps(ours, len(ours.plan))
    assert ours.loss_on(ours.pairs[:50]) < 0.3 < 1.2 < before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs must be 1 or more (got 0)"),
        ({"batch_tokens": -1}, "batch_tokens must be 1 or more"),
        ({"warmup_steps": 0}, "warmup_steps must be 1 or more"),
        ({"average": 0}, "average must be 1 or more"),
        ({"score_every": 0}, "score_every must be 1 or more"),
        ({"rate_factor": 0.0}, "rate_factor must be a finite number above 0"),
        ({"rate_factor": float("nan")}, "rate_factor must be a finite number above 0"),
        ({"clip_norm": -1.0}, "clip_norm must be a finite number above 0"),
        ({"label_smoothing": 1.0}, "label_smoothing must be from 0 to below 1 (got 1.0)"),
        ({"precision": "fp8"}, "precision must be fp32 or bf16 (got 'fp8')"),
    ],
)
def test_nonsense_is_refused(change, message):
    with pytest.raises(Problem) as error:
        TrainingConfig(**change)
    assert message in str(error.value)


def test_weights_must_fit():
    model = Transformer(MODEL)
    weights = own_weights(Transformer(MODEL))
    load_weights(model, weights)
    assert torch.equal(model.output.weight, weights["output.weight"])
    for change, message in (
        ({"output.weight": None}, "'output.weight' is missing"),
        ({"output.weight": torch.zeros(3, 4)}, r"'output.weight' has shape \(3, 4\); .* asks for \(12, 16\)"),
        ({"more": torch.zeros(1)}, "'more' belongs to no part"),
    ):
        damaged = {name: tensor for name, tensor in (weights | change).items() if tensor is not None}
        with pytest.raises(ValueError, match=message):
            load_weights(model, damaged)


def test_tied_weights_are_kept_once():
    tied = Transformer(dataclasses.replace(MODEL, tie_embeddings=True))
    weights = own_weights(tied)
    assert "source_embedding.weight" in weights
    assert not {"target_embedding.weight", "output.weight"} & weights.keys()
    again = Transformer(dataclasses.replace(MODEL, tie_embeddings=True))
    load_weights(again, weights)
    assert torch.equal(again.output.weight, tied.output.weight)
