"""A run on disk: what the log and the files hold, and that it survives a stop at every single moment."""

import dataclasses
import json

import pytest
import torch

from tiny_transformer import run as run_file
from tiny_transformer import run_folder, training
from tiny_transformer.model import TransformerConfig
from tiny_transformer.run import Run, digest
from tiny_transformer.run_folder import BadFolder
from tiny_transformer.training import TrainingConfig

TRAINING = TrainingConfig(epochs=3, batch_tokens=500, warmup_steps=10, average=2, score_every=2)


class Crash(BaseException):
    """The process ends here."""


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def dying_at(number):
    """A `write` that ends the process in place of its write number so-and-so."""
    count = 0

    def dying(path, data):
        nonlocal count
        count += 1
        if count == number:
            raise Crash
        write(path, data)

    return dying


def score(metric, translations, references):
    """Depends on every letter of the translations."""
    return sum(map(ord, "".join(translations))) / 1000 + len(references)


def started(folder, task, writer=write, training=TRAINING):
    config = TransformerConfig(vocab_size=20, d_model=8, n_heads=2, n_layers=1, d_ff=8, dropout=0.2, max_len=16)
    return Run.start(folder, task, config, training, {"task": "copy"}, "cpu", writer)


def rows(folder):
    return [{key: value for key, value in row.items() if key != "seconds"} for row in run_folder.read_log(folder)]


@pytest.fixture(autouse=True)
def fast_forward(monkeypatch):
    monkeypatch.setattr(run_file, "REPORT_EVERY", 2)
    monkeypatch.setattr(run_file, "SAVE_EVERY_S", -1.0)  # after every step


@pytest.fixture(scope="module")
def task(small_task):
    return dataclasses.replace(small_task, valid=small_task.valid[:2])


@pytest.fixture(scope="module")
def whole(task, tmp_path_factory):
    """The run that nothing interrupts."""
    folder = tmp_path_factory.mktemp("run") / "whole"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_file, "REPORT_EVERY", 2)
        patch.setattr(run_file, "SAVE_EVERY_S", -1.0)
        last = started(folder, task).train(score)
    assert {key: value for key, value in last.items() if key != "seconds"} == rows(folder)[-1]
    return folder


def assert_same(folder, whole):
    assert rows(folder) == rows(whole)
    assert (folder / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


def test_the_log_tells_the_story(whole):
    found = rows(whole)
    steps = max(row["step"] for row in found)
    assert steps >= 6
    reports = [row for row in found if "train_loss" in row]
    assert [row["step"] for row in reports] == list(range(2, steps + 1, 2))
    assert all(row.keys() == {"step", "epoch", "train_loss", "rate"} for row in reports)
    measured = [row for row in found if "validation_loss" in row and "final" not in row]
    assert [(row["epoch"], "exact_match" in row) for row in measured] == [(1, False), (2, True), (3, False)]
    assert found[-1].keys() == {"step", "epoch", "final", "validation_loss", "exact_match"}
    assert [row for row in found if row.get("final")] == found[-1:]


def test_the_model_is_the_mean_of_the_last_epochs(whole):
    kept = sorted(path.name for path in (whole / "epochs").iterdir())
    assert kept == ["0002.safetensors", "0003.safetensors"]
    parts = [run_folder.read_weights(whole / "epochs" / name) for name in kept]
    for name, tensor in run_folder.read_weights(whole / "model.safetensors").items():
        torch.testing.assert_close(tensor, (parts[0][name] + parts[1][name]) / 2, atol=1e-6, rtol=0)
        assert not torch.equal(parts[0][name], parts[1][name])


def test_the_folder_is_all_that_is_needed(whole, task):
    model, description = run_folder.read_model(whole)
    assert not model.training
    assert (description.task, description.metric, description.training) == ("copy", "exact_match", TRAINING)
    assert description.made_from == {"task": "copy", "digest": digest(task.train)}
    assert description.source_vocabulary is description.target_vocabulary
    assert description.source_vocabulary.as_json() == task.source_vocabulary.as_json()


def test_a_crash_at_any_write_loses_nothing(whole, task, tmp_path):
    """Killed in place of write 1, 2, 3 ...; what stands on disk then is taken up, or begun anew if it is no run yet."""
    number = 0
    while True:
        number += 1
        folder = tmp_path / str(number)
        try:
            started(folder, task, dying_at(number)).train(score)
            break
        except Crash:
            pass
        torch.manual_seed(number)  # a new process has other random numbers
        if (folder / "config.json").exists():
            Run.resume(folder, task, "cpu", write).train(score)
        else:
            started(folder, task).train(score)
        assert_same(folder, whole)
    assert number > 20


@pytest.mark.parametrize("moment", ["in a step", "in validation", "while it translates", "after a step", "at a row"])
@pytest.mark.parametrize("count", [1, 2])
def test_ctrl_c_at_any_moment_loses_nothing(moment, count, whole, task, tmp_path, monkeypatch):
    calls = 0

    def interrupt(*_):
        nonlocal calls
        calls += 1
        if calls == count:
            raise KeyboardInterrupt

    def and_then(function):
        def interrupted(*given):
            interrupt()
            return function(*given)

        return interrupted

    running = started(tmp_path / "run", task)
    with monkeypatch.context() as patch:
        if moment == "in a step":
            patch.setattr(training, "smoothed_cross_entropy", and_then(training.smoothed_cross_entropy))
        if moment == "in validation":
            patch.setattr(training.Trainer, "loss_on", and_then(training.Trainer.loss_on))
        scoring = and_then(score) if moment == "while it translates" else score
        on_step, on_row = (interrupt if moment == name else lambda *_: None for name in ("after a step", "at a row"))
        with pytest.raises(KeyboardInterrupt):
            running.train(scoring, on_step, on_row)
    torch.manual_seed(5)
    Run.resume(tmp_path / "run", task, "cpu", write).train(score)
    assert_same(tmp_path / "run", whole)


def test_a_finished_run_can_be_resumed(whole, task, tmp_path):
    running = started(tmp_path / "run", task)
    running.train(score)
    Run.resume(tmp_path / "run", task, "cpu", write).train(score)
    assert_same(tmp_path / "run", whole)


def test_seconds_go_on(task, tmp_path):
    running = started(tmp_path / "run", task)
    running.seconds = 1000.0
    running.save()
    assert Run.resume(tmp_path / "run", task, "cpu", write).train(score)["seconds"] >= 1000


def test_nothing_is_overwritten(whole, task):
    with pytest.raises(BadFolder, match="holds a run already; continue it with --resume, or name another --out"):
        started(whole, task)


def test_other_texts_are_refused(whole, task):
    changed = dataclasses.replace(task, train=[*task.train[:-1], ("x", "x")])
    with pytest.raises(BadFolder, match="the training texts are not those that the run began with"):
        Run.resume(whole, changed, "cpu", write)


def test_the_digest_sees_texts_and_borders():
    assert digest([("ab", "c")]) != digest([("a", "bc")]) != digest([("a", "b"), ("c", "")])
    assert digest([("a", "b"), ("c", "d")]) != digest([("c", "d"), ("a", "b")])
    assert digest([("\ud800", "é")]) == digest([("\ud800", "é")])


def test_a_state_of_another_model_is_refused(whole, task, tmp_path):
    for path in whole.rglob("*.json*"):
        write(tmp_path / path.name, path.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    config["model"]["d_ff"] = 16
    write(tmp_path / "config.json", json.dumps(config).encode())
    write(tmp_path / "state.safetensors", (whole / "state.safetensors").read_bytes())
    with pytest.raises(BadFolder, match=r"state.safetensors: the weight .* has shape .*; it belongs to another run"):
        Run.resume(tmp_path, task, "cpu", write)
    write(tmp_path / "state.safetensors", (whole / "model.safetensors").read_bytes())
    with pytest.raises(BadFolder, match="not the state of a training run"):
        Run.resume(tmp_path, task, "cpu", write)
