"""The task's own values, and over them what the user gave: every field, so that no flag is without effect."""

from dataclasses import asdict, fields

import pytest

import main
from tiny_transformer.model import TransformerConfig
from tiny_transformer.problem import Problem
from tiny_transformer.tasks.options import configurations
from tiny_transformer.training import TrainingConfig, best_precision

FLAGS = {
    "d_model": 12, "n_heads": 3, "n_layers": 5, "d_ff": 17, "max_len": 70, "dropout": 0.3, "inner_dropout": 0.2,
    "pre_norm": True, "epochs": 3, "batch_tokens": 99, "warmup_steps": 7, "average": 2, "score_every": 4,
    "rate_factor": 0.5, "label_smoothing": 0.2, "clip_norm": 2.0, "precision": "bf16", "seed": 9,
}  # fmt: skip


def words(name, value):
    flag = f"--{name.replace('_', '-')}"
    return [flag] if value is True else [flag, str(value)]


@pytest.mark.parametrize("name", FLAGS)
def test_a_flag_wins_over_the_tasks_own_value_and_changes_nothing_else(small_task, name):
    def made(*more):
        args = main.parser().parse_args(
            ["train", "--task", "copy", "--out", "x", "--n-heads", "3", "--d-model", "6", *more]
        )
        both = main.given(args, TransformerConfig), main.given(args, TrainingConfig)
        model, training = configurations(small_task, *both, "cpu")
        return asdict(model) | asdict(training)

    before, after = made(), made(*words(name, FLAGS[name]))
    assert after[name] == FLAGS[name]
    assert {key for key in after if after[key] != before[key]} <= {name}


def test_every_field_has_a_flag():
    """But those that the texts decide."""
    from_the_texts = {"vocab_size", "target_vocab_size", "pad_id", "bos_id", "eos_id", "tie_embeddings"}
    names = {field.name for kind in (TransformerConfig, TrainingConfig) for field in fields(kind)}
    assert names - from_the_texts == FLAGS.keys()


def test_without_flags_the_tasks_own_values_hold(small_task):
    model, training = configurations(small_task, {}, {}, "cpu")
    assert small_task.model.items() <= asdict(model).items()
    assert small_task.training.items() <= asdict(training).items()
    assert model.vocab_size == small_task.source_vocabulary.size


def test_the_device_decides_on_an_automatic_precision(small_task):
    assert configurations(small_task, {}, {"precision": "auto"}, "cpu")[1].precision == best_precision("cpu")


def test_texts_longer_than_the_model_are_refused(small_task):
    with pytest.raises(Problem, match=r"copy has texts of 13 tokens; raise --max-len \(got 12\)"):
        configurations(small_task, {"max_len": 12}, {}, "cpu")
