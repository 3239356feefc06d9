"""A run on disk: what it holds, that others load it, and that it survives a stop at every single moment."""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch
import transformers

from test_batches import Stream
from tiny_llama3 import hub, run_folder
from tiny_llama3 import run as run_file
from tiny_llama3.model import LlamaConfig
from tiny_llama3.problem import Problem
from tiny_llama3.run import Data, Run
from tiny_llama3.run_folder import Description
from tiny_llama3.tokenizer import Tokenizer
from tiny_llama3.training import TrainingConfig

TOKENIZER = Tokenizer.train(["the cat sat on the mat"], 258)
TRAINING = TrainingConfig(steps=7, sequence=12, batch_rows=4, micro_rows=2, warmup_steps=2, evaluate_every=3)
MODEL = LlamaConfig(len(TOKENIZER), 16, 24, 1, 2, 1, max_position_embeddings=128, tie_word_embeddings=True)
DESCRIPTION = Description("tiny", MODEL, TRAINING, {"folder": "data", "digest": "abc"}, "the", {})
TIMES = ("seconds", "tokens_per_s", "memory_mb", "mfu")


class Crash(BaseException):
    """The process ends here."""


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def dying_at(number):
    count = 0

    def dying(path, data):
        nonlocal count
        count += 1
        if count == number:
            raise Crash
        write(path, data)

    return dying


def tokens(seed, count):
    rng = np.random.default_rng(seed)
    return Stream([token for _ in range(count) for token in (TOKENIZER.bos_id, *rng.integers(97, 110, 9))])


DATA = Data(tokens(0, 40), tokens(1, 8), TOKENIZER, 0.9, "abc")


def rows(folder):
    return [{key: value for key, value in row.items() if key not in TIMES} for row in run_folder.read_log(folder)]


def started(folder, writer=write, description=DESCRIPTION, peak_flops=math.nan):
    return Run.start(folder, description, DATA, writer, peak_flops=peak_flops)


@pytest.fixture(autouse=True)
def fast_forward(monkeypatch):
    monkeypatch.setattr(run_file, "REPORT_EVERY", 2)
    monkeypatch.setattr(run_file, "SAVE_EVERY_S", -1.0)  # after every step
    monkeypatch.setattr(run_file, "SAMPLE_TOKENS", 3)


@pytest.fixture
def whole(tmp_path):
    """The run that nothing interrupts."""
    folder = tmp_path / "whole"
    started(folder, peak_flops=1e9).train()
    return folder


def assert_same(folder, whole):
    assert rows(folder) == rows(whole)
    assert (folder / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    last, expected = (run_folder.read_checkpoint(run_folder.checkpoints(path)[-1])[0] for path in (folder, whole))
    assert last.keys() == expected.keys() and all(torch.equal(last[name], expected[name]) for name in last)


def test_the_log_tells_the_story(whole):
    found = rows(whole)
    assert [row["step"] for row in found if "train_loss" in row] == [2, 4, 6, 7]
    measured = [row for row in found if "validation_loss" in row]
    assert [row["step"] for row in measured] == [0, 3, 6, 7]
    assert measured[0]["validation_loss"] == pytest.approx(math.log(len(TOKENIZER)), abs=0.2)
    for row in measured:
        assert row["bits_per_byte"] == pytest.approx(row["validation_loss"] / math.log(2) / 0.9)
        assert row["sample"].startswith("the") and row["tokens"] == row["step"] * 48
    assert all(row["mfu"] > 0 and row["tokens_per_s"] > 0 and row["memory_mb"] > 0
               for row in run_folder.read_log(whole) if "train_loss" in row)  # fmt: skip


def test_the_train_loss_is_the_mean_since_the_last_row(tmp_path):
    losses: list[float] = []
    started(tmp_path / "run").train(losses.append)
    found = [row["train_loss"] for row in rows(tmp_path / "run") if "train_loss" in row]
    assert found == pytest.approx([sum(losses[a:b]) / (b - a) for a, b in ((0, 2), (2, 4), (4, 6), (6, 7))])


def test_the_folder_holds_the_best_model_and_transformers_loads_it(whole):
    model, tokenizer = hub.load(whole)
    assert tokenizer is not None and tokenizer.encode("the cat") == TOKENIZER.encode("the cat")
    best = min(row["validation_loss"] for row in rows(whole) if "validation_loss" in row)
    run = Run.resume(whole, DATA, write)
    run.trainer.model.load_state_dict(model.state_dict())
    assert run.trainer.loss_on(run.valid_batches) == pytest.approx(best, abs=1e-6)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(whole)
    ids = torch.tensor([[3, 1, 4, 1, 5]])
    torch.testing.assert_close(theirs(ids).logits, model(ids), atol=1e-4, rtol=0)


def test_the_last_checkpoints_are_kept(whole):
    assert [path.name for path in run_folder.checkpoints(whole)] == ["000006.safetensors", "000007.safetensors"]


def test_a_crash_at_any_write_loses_nothing(whole, tmp_path):
    """Killed in place of write 1, 2, 3 ...; what stands on disk then is taken up, or begun anew if it is no run yet."""
    number = 0
    while True:
        number += 1
        folder = tmp_path / str(number)
        try:
            started(folder, dying_at(number)).train()
            break
        except Crash:
            pass
        torch.manual_seed(number)  # a new process has other random numbers
        run = Run.resume(folder, DATA, write) if (folder / "run.json").exists() else started(folder)
        run.train()
        assert_same(folder, whole)
    assert number > 30


@pytest.mark.parametrize("step", [1, 3, 4, 7])
def test_ctrl_c_in_a_step_loses_nothing(step, whole, tmp_path, monkeypatch):
    calls = 0
    train_step = run_file.Trainer.train_step

    def interrupted(self):
        nonlocal calls
        calls += 1
        if calls == step:
            raise KeyboardInterrupt
        return train_step(self)

    monkeypatch.setattr(run_file.Trainer, "train_step", interrupted)
    run = started(tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        run.train()
    assert run.saved == step - 1
    Run.resume(tmp_path / "run", DATA, write).train()
    assert_same(tmp_path / "run", whole)


def test_a_finished_run_has_nothing_to_do(whole):
    before = rows(whole)
    last = Run.resume(whole, DATA, write).train()
    assert rows(whole) == before and last["step"] == 7


def test_a_full_disk_keeps_the_last_checkpoint(tmp_path):
    folder = tmp_path / "run"

    def full(path, data):
        if "000004" in path.name:
            raise OSError(28, "No space left on device")
        write(path, data)

    run = started(folder, full)
    with pytest.raises(OSError, match="No space"):
        run.train()
    assert run_folder.checkpoints(folder)[-1].name == "000003.safetensors"
    assert Run.resume(folder, DATA, write).trainer.step == 3


def test_the_description_is_read_as_it_was_written(whole):
    assert run_folder.read_description(whole) == dataclasses.replace(
        DESCRIPTION, model=run_folder.read_description(whole).model
    )
    assert run_folder.read_description(whole).model == MODEL


def test_a_folder_is_used_once(whole):
    with pytest.raises(Problem, match="holds a run already"):
        started(whole)


def test_other_data_is_refused(whole):
    with pytest.raises(Problem, match="the data is not that"):
        Run.resume(whole, dataclasses.replace(DATA, digest="other"), write)


def test_damaged_files_are_named(whole):
    newest = run_folder.checkpoints(whole)[-1]
    newest.write_bytes(newest.read_bytes()[:-5])
    with pytest.raises(Problem, match="000007.safetensors: cut short or damaged"):
        Run.resume(whole, DATA, write)
    newest.unlink()
    assert Run.resume(whole, DATA, write).trainer.step == 6
    (whole / "log.jsonl").write_text("{")
    with pytest.raises(Problem, match=r"log\.jsonl: not JSON lines"):
        Run.resume(whole, DATA, write)
    content = json.loads((whole / "run.json").read_text())
    content["training"]["steps"] = 0
    (whole / "run.json").write_text(json.dumps(content))
    with pytest.raises(Problem, match="does not describe a run"):
        run_folder.read_description(whole)
    with pytest.raises(Problem, match="holds no run"):
        run_folder.read_description(whole / "checkpoints")
