"""The plan's arithmetic against what PyTorch keeps, and that measuring leaves no trace."""

import dataclasses

import pytest
import torch

from test_training import MODEL, STREAM, trainer
from tiny_llama3.model import Llama, LlamaConfig
from tiny_llama3.plan import activation_bytes, how_far_off, make_plan, memory, peak_flops
from tiny_llama3.presets import PRESETS, parameters
from tiny_llama3.problem import Problem
from tiny_llama3.training import TrainingConfig, own_weights

WIDE = LlamaConfig(64, 128, 352, 2, 4, 2)
NARROW = LlamaConfig(64, 96, 512, 2, 6, 6)


def kept_by_pytorch(config, rows, positions, precision):
    """Bytes that the backward pass will need, weights apart, of all layers."""
    model = Llama(config)
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    casts = 2 * sum(p.numel() for p in model.model.layers.parameters() if p.ndim == 2) if precision == "bf16" else 0
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = (storage.nbytes(), storage)
        return tensor

    ids = torch.zeros(rows, positions, dtype=torch.long)
    bf16 = torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16")
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), bf16:
        model.hidden(ids, ids)
    return sum(size for size, _ in kept.values()) - casts


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("model", [WIDE, NARROW])
def test_activations_are_what_pytorch_keeps(model, precision):
    config = TrainingConfig(steps=20, sequence=64, micro_rows=4, precision=precision)
    deeper = dataclasses.replace(model, num_hidden_layers=4)
    found = kept_by_pytorch(deeper, 4, 64, precision) - kept_by_pytorch(model, 4, 64, precision)
    assert activation_bytes(model, config) * 2 * 4 * 64 == pytest.approx(found, rel=0.2)


def test_the_other_parts_are_what_the_trainer_holds():
    for optimizer in ("adamw", "muon"):
        running = trainer(optimizer=optimizer)
        running.train_step()
        parts = memory(MODEL, running.config)
        weights = sum(tensor.nbytes for tensor in own_weights(running.model).values())
        kept = sum(tensor.nbytes for name, tensor in running.state().items() if name.startswith("optimizer"))
        assert parts["weights"] == parts["gradients"] == weights
        assert parts["optimizer"] == pytest.approx(kept, rel=0.1)
        assert parts["weights in 16 bits"] == 0


def test_recomputing_takes_less():
    config, model = TrainingConfig(steps=20), PRESETS["42M"].config(16384)
    less = dataclasses.replace(config, checkpoint_activations=True)
    assert memory(model, less)["activations"] < memory(model, config)["activations"] / 4


def test_planning_changes_nothing():
    running, untouched = trainer(), trainer()
    plan = make_plan(running, steps=6)
    assert [running.train_step() for _ in range(6)] == [untouched.train_step() for _ in range(6)]
    assert plan.parameters == parameters(MODEL)
    assert plan.tokens == 6 * 48 and plan.epochs == pytest.approx(6 * 48 / len(STREAM))
    assert plan.seconds == pytest.approx(plan.tokens / plan.tokens_per_s)
    assert plan.mfu > 0 and plan.memory_mb > 0


def test_minutes_become_steps():
    plan = make_plan(trainer(), minutes=0.05)
    assert plan.seconds == pytest.approx(3, abs=plan.seconds / plan.steps)
    with pytest.raises(Problem, match="either"):
        make_plan(trainer())
    with pytest.raises(Problem, match="either"):
        make_plan(trainer(), steps=3, minutes=1.0)


def test_the_peak_is_that_of_a_product():
    assert peak_flops("cpu", "fp32", size=256, rounds=2) > 1e8


def test_how_far_off():
    assert how_far_off({"seconds": 100.0, "tokens_per_s": 200.0}, 110, 180) == (
        "time: planned 100 s, was 110 (+10%); speed: planned 200 tokens/s, was 180 (-10%)"
    )
    assert how_far_off({}, 1, 1) == ""
