"""One step against a plain loop, accumulation, two processes, precision, state."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import torch

from test_batches import Stream
from tiny_llama3.attention import attend
from tiny_llama3.batches import Batches, in_order
from tiny_llama3.model import Attention, Llama, LlamaConfig
from tiny_llama3.problem import Problem
from tiny_llama3.training import Trainer, TrainingConfig, best_precision, load_weights, own_weights

MODEL = LlamaConfig(20, 16, 24, 2, 2, 1, max_position_embeddings=32, tie_word_embeddings=True)
CONFIG = TrainingConfig(steps=6, sequence=12, batch_rows=4, micro_rows=4, warmup_steps=2, learning_rate=0.01)
STREAM = Stream(np.random.default_rng(0).integers(0, 20, 400))


def trainer(seed=0, model=MODEL, **changes):
    torch.manual_seed(seed)
    config = dataclasses.replace(CONFIG, **changes)
    return Trainer(Llama(model), Batches(STREAM, config.sequence, config.batch_rows, 0, config.seed), config)


def losses(running, steps=6):
    return [running.train_step() for _ in range(steps)]


def close(a, b, atol=1e-5):
    torch.testing.assert_close(torch.tensor(a), torch.tensor(b), atol=atol, rtol=0)


def test_adamw_equals_a_plain_loop():
    ours = trainer(optimizer="adamw", schedule="cosine")
    torch.manual_seed(0)
    model = Llama(MODEL)
    matrices = [p for p in model.parameters() if p.ndim == 2]
    norms = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": norms, "weight_decay": 0}]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.95))
    for step in range(6):
        batch = ours.batches.rows_of(step, 0, 4)
        logits = model(batch.ids_BT, batch.documents_BT)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch.targets_BT.flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        share = (step + 1) / 2 if step < 1 else (1 + np.cos(np.pi * (step - 1) / 4)) / 2
        for group in optimizer.param_groups:
            group["lr"] = 0.01 * share
        optimizer.step()
        assert ours.train_step() == pytest.approx(loss.item(), abs=1e-5)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_it_learns(optimizer):
    repeated = Stream(np.tile([0, 3, 1, 4, 1, 5, 9, 2, 6], 60))
    config = dataclasses.replace(CONFIG, steps=40, optimizer=optimizer)
    torch.manual_seed(0)
    running = Trainer(Llama(MODEL), Batches(repeated, 12, 4, 0, 0), config)
    before = running.loss_on(in_order(repeated, 12, 4, 0))
    losses(running, 40)
    assert before > 2.9 and running.loss_on(in_order(repeated, 12, 4, 0)) < 0.6


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("micro_rows", [1, 2, 3])
def test_accumulated_gradients_are_those_of_the_whole(optimizer, micro_rows):
    close(losses(trainer(optimizer=optimizer, micro_rows=micro_rows)), losses(trainer(optimizer=optimizer)))


def test_recomputed_activations_change_nothing():
    close(losses(trainer(checkpoint_activations=True)), losses(trainer()))


def test_without_the_document_mask_the_loss_differs():
    assert abs(losses(trainer(document_mask=False))[3] - losses(trainer())[3]) > 1e-4


def test_bf16_is_near():
    close(losses(trainer(precision="bf16")), losses(trainer()), atol=0.05)
    assert losses(trainer(precision="bf16")) != losses(trainer())


@pytest.mark.skipif(best_precision("cpu") != "bf16", reason="this processor does not multiply bf16")
def test_compiled_is_near_and_writes_attention_out():
    running = trainer(precision="bf16", compile=True)
    assert all(layer.attend is attend for layer in running.model.modules() if isinstance(layer, Attention))
    close(losses(running, 3), losses(trainer(), 3), atol=0.05)


def test_two_compiled_runs_with_two_threads_are_the_same():
    """The embedding's gradient gathers many rows in one place: compiled, in an order left to chance."""
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        # few different ids, many positions: each row of the gradient is a sum of about a hundred
        shape = dataclasses.replace(MODEL, hidden_size=64, max_position_embeddings=256)
        first, second = (trainer(model=shape, compile=True, sequence=256, batch_rows=8, micro_rows=8) for _ in range(2))
        assert losses(first) == losses(second)
        for name, tensor in own_weights(second.model).items():
            assert torch.equal(tensor, own_weights(first.model)[name])
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_state_goes_on_as_if_nothing_had_happened(optimizer):
    whole = trainer(optimizer=optimizer)
    expected = losses(whole)
    first = trainer(optimizer=optimizer)
    assert losses(first, 3) == expected[:3]
    state = first.state()
    first.train_step()  # what was saved is a copy
    second = trainer(seed=9, optimizer=optimizer)
    second.restore(state, 3)
    assert losses(second, 3) == expected[3:]
    for name, tensor in own_weights(second.model).items():
        assert torch.equal(tensor, own_weights(whole.model)[name])


CHILD = """
import json, sys
import torch
import test_training
from tiny_llama3 import data_parallel
torch.set_num_threads(1)
data_parallel.join("cpu")
found = test_training.losses(test_training.trainer())
if data_parallel.rank() == 0:
    print(json.dumps(found))
data_parallel.leave()
"""


def test_two_processes_train_as_one(tmp_path):
    """Each with half of the rows, documents cut anywhere, so with different numbers of tokens."""
    import json
    import os
    from pathlib import Path

    script = tmp_path / "child.py"
    script.write_text(CHILD, encoding="utf-8")
    paths = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", str(script)]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}, capture_output=True,
                          encoding="utf-8", timeout=300)  # fmt: skip
    assert done.returncode == 0, done.stderr
    close(json.loads(done.stdout.splitlines()[-1]), losses(trainer()))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "steps must be 1 or more"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"optimizer": "sgd"}, "optimizer must be adamw or muon"),
        ({"weight_decay": 2.0}, "weight_decay must be from 0 to 1"),
        ({"warmup_steps": 7}, "warmup_steps must be from 0 to the 6 steps"),
    ],
)
def test_nonsense_is_refused(changes, message):
    with pytest.raises(Problem, match=message):
        dataclasses.replace(CONFIG, **changes)


def test_a_loss_that_is_no_number_stops_the_run():
    running = trainer()
    with torch.no_grad():
        running.model.model.norm.weight.fill_(torch.nan)
    with pytest.raises(Problem, match="the loss became nan in step 1"):
        running.train_step()


def test_weights_of_another_model_are_refused():
    model, weights = Llama(MODEL), own_weights(Llama(MODEL))
    first = next(iter(weights))
    with pytest.raises(Problem, match="is missing"):
        load_weights(model, {name: tensor for name, tensor in weights.items() if name != first})
    with pytest.raises(Problem, match="has shape"):
        load_weights(model, weights | {first: torch.zeros(3, 3)})
    with pytest.raises(Problem, match="belongs to no part"):
        load_weights(model, weights | {"model.extra": torch.zeros(3)})
