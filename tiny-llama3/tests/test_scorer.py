"""Reward models and classifiers: the same scores in transformers, the same after saving, and clear refusals."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification

from tiny_base import base, pairs, tokenizer
from tiny_llama3 import hub
from tiny_llama3.align.reward import Reward, set_average
from tiny_llama3.align.scorer import from_base, load_scorer, padded, save_scorer
from tiny_llama3.align.tuning import Tuner, TuningConfig
from tiny_llama3.problem import Problem

ROWS = [[5, 9, 200, 31], [7], [1, 2, 3, 4, 5, 6, 7]]


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def scorer(labels=("a", "b", "c")):
    made = from_base(base(), labels)
    torch.manual_seed(0)
    torch.nn.init.normal_(made.score.weight)
    return made


@torch.no_grad()
def test_transformers_gives_the_same(tmp_path):
    ours = scorer()
    save_scorer(tmp_path, ours, tokenizer(), write)
    theirs = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    assert theirs.config.id2label == {0: "a", 1: "b", 2: "c"}
    ids_BT, documents_BT = padded(ROWS)
    ids_BT = torch.where(documents_BT == 0, ids_BT, theirs.config.pad_token_id)
    expected = theirs(ids_BT, attention_mask=(documents_BT == 0).long()).logits
    torch.testing.assert_close(ours.scores(ROWS), expected, atol=1e-4, rtol=0)


@torch.no_grad()
def test_there_and_back(tmp_path):
    ours = scorer(["reward"])
    ours.average = 1.25
    save_scorer(tmp_path, ours, tokenizer(), write)
    back, found = load_scorer(tmp_path)
    assert back.labels == ("reward",) and back.average == 1.25 and found.merges == tokenizer().merges
    torch.testing.assert_close(back.scores(ROWS), ours.scores(ROWS), atol=0, rtol=0)


@torch.no_grad()
def test_a_value_is_the_score_so_far():
    ours = scorer(["value"])
    ids_BT, documents_BT = padded(ROWS)
    values_BT = ours.values(ids_BT, documents_BT)
    for row, ids in enumerate(ROWS):
        for length in range(1, len(ids) + 1):
            torch.testing.assert_close(values_BT[row, length - 1], ours.scores([ids[:length]])[0, 0])


def test_a_reward_model_learns_to_tell_pairs_apart():
    made = from_base(base(), ["reward"])
    reward = Reward(made, pairs(24), pairs(24), per_step=24)
    tuner = Tuner(reward, TuningConfig(80, 3e-3))
    assert reward.measure()["accuracy"] == 0.0  # all zeros: no answer scores higher
    for _ in range(80):
        tuner.train_step()
    assert reward.measure()["accuracy"] > 0.8
    set_average(made, pairs(24))
    rows = [chat.ids for pair in pairs(24) for chat in (pair.chosen, pair.rejected)]
    with torch.no_grad():
        assert made.average == pytest.approx(float(made.scores(rows).mean()), abs=1e-4)


def test_refusals(tmp_path):
    with pytest.raises(Problem, match="is no folder of a reward model"):
        load_scorer(tmp_path / "missing")
    hub.save(tmp_path / "writer", base(), tokenizer())
    with pytest.raises(Problem, match="not a whole reward model"):
        load_scorer(tmp_path / "writer")
    save_scorer(tmp_path / "good", scorer(), tokenizer(), write)
    file = tmp_path / "good" / "model.safetensors"
    tensors = load_file(file)
    save_file(tensors | {"score.weight": tensors["score.weight"][:2].clone()}, file)
    with pytest.raises(Problem, match=r"score.weight"):
        load_scorer(tmp_path / "good")
    file.write_bytes(b"\x08")
    with pytest.raises(Problem, match="not a whole reward model"):
        load_scorer(tmp_path / "good")
    (tmp_path / "good" / "config.json").write_text(json.dumps({"id2label": 3}), "utf-8")
    with pytest.raises(Problem, match="not a whole reward model"):
        load_scorer(tmp_path / "good")
    with pytest.raises(Problem, match="a text has no token"):
        padded([[]])
