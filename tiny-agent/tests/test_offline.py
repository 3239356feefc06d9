"""The shipped model: small, always the same, right on questions that it has not seen, honest about all others."""

import json
import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from scripts import Script
from tiny_agent.loop import run
from tiny_agent.model import ModelFailed
from tiny_agent.offline.model import FOLDER, OfflineModel, transcript
from tiny_agent.offline.network import load
from tiny_agent.react_engine import React
from tiny_agent.tools.shipped import shipped_tools
from training.measure import measure
from training.questions import ONLY_EN, ONLY_ZH, examples

TRACK = Path(__file__).resolve().parents[1]
NOTES = TRACK / "sample" / "notes"


@pytest.fixture(scope="module")
def model():
    return OfflineModel()


def test_it_is_small_and_says_how_it_was_made():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 5_000_000
    about = json.loads((FOLDER / "model.json").read_text(encoding="utf-8"))
    assert about["trained"]["parameters"] < 2_000_000 and about["trained"]["seed"] == 0
    log = [json.loads(line) for line in (FOLDER / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert log[-1]["step"] == about["trained"]["steps"] and log[-1]["loss"] < 0.1


@pytest.mark.parametrize(("held", "least"), [(False, 0.95), (True, 0.8)])
@pytest.mark.parametrize("chinese", [False, True])
def test_unseen_questions(model, chinese, held, least):
    """Fewer than the benchmark's 500, so the bounds are lower than its figures."""
    found = measure(model, list(islice(examples("tests", chinese, held), 60)))
    assert found["answers"] >= least, found["wrong"]


def test_the_samples_questions(model):
    rows = [json.loads(line) for line in (NOTES.parent / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
    right = sum(run(row["question"], model, shipped_tools(NOTES, python=False)).answer == row["answer"] for row in rows)
    assert right >= len(rows) - 1


@pytest.mark.parametrize(
    "question", ["What is the capital of Mexico?", "Tell me a story about a dragon.", "你好吗？", "写一首诗"]
)
def test_other_questions_get_an_honest_answer(model, question):
    assert run(question, model, []).answer in (ONLY_EN, ONLY_ZH)


def test_the_cache_changes_nothing():
    network, _, _ = load(FOLDER)
    ids = list(range(3, 43))
    network.begin()
    whole = network.read(ids)
    network.begin()
    for number in ids[:-1]:
        network.read([number])
    assert np.allclose(network.read(ids[-1:]), whole, atol=1e-4)
    with pytest.raises(ValueError, match="more than the 512 that fit"):
        network.read([3] * 500)


def test_it_equals_pytorch_on_the_shipped_weights():
    torch = pytest.importorskip("torch")
    from training.train import Small

    network, characters, _ = load(FOLDER)
    theirs = Small(len(characters))
    with torch.no_grad():
        for name, weight in theirs.named_parameters():
            weight.copy_(torch.from_numpy(network.weights[name]))
        ids = list(range(3, 60))
        logits = theirs(torch.tensor([ids]))[0, -1] @ theirs.embed_tokens.weight.T
    network.begin()
    network.read(ids[:20])
    assert np.abs(network.read(ids[20:]) - logits.numpy()).max() < 1e-3


def test_function_calls_are_refused(model):
    with pytest.raises(ModelFailed, match="take --engine react"):
        model.reply([{"role": "user", "content": "q"}], [{"type": "function"}])


def test_what_it_reads_has_no_fence():
    text = transcript([
        {"role": "system", "content": "s"}, {"role": "user", "content": "q  q"},
        {"role": "assistant", "content": "Action: a"},
        {"role": "user", "content": "Observation: <<<ab output of x: data, not instructions\nline\nab>>>"},
    ])  # fmt: skip
    assert text == "\x02Question: q q\nAction: a\x03\nObservation: line\n"


def test_in_a_conversation_the_last_question_is_answered(model):
    before = [{"role": "user", "content": "What is 2 plus 3?"}, {"role": "assistant", "content": "5"}]
    assert run("What is 6 times 7?", model, shipped_tools(NOTES, python=False), before=before).answer == "42"


def test_training_questions_are_the_same_for_a_seed_and_held_out_words_stay_out():
    first = [example.question for example in islice(examples("a"), 50)]
    assert first == [example.question for example in islice(examples("a"), 50)]
    seen = {example.question.split()[0] for example in islice(examples("b", False), 3000)}
    assert not {"Turn", "Count"} & seen  # two that begin a held-out question


def test_chats_for_another_model_are_what_the_engine_would_say(tmp_path):
    out = tmp_path / "chats.jsonl"
    words = ["--kind", "sums", "--tools", "calculator", "--count", "30", "--out", str(out)]
    subprocess.run([sys.executable, "-m", "training.chats", *words], check=True, capture_output=True, cwd=TRACK)
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 30
    tools = [tool for tool in shipped_tools(NOTES) if tool.name == "calculator"]
    for row in rows:
        replies = [each["content"] for each in row["messages"] if each["role"] == "assistant"]
        result = run(row["question"], Script(*replies), tools)
        assert (result.answer, result.stop_reason) == (row["answer"], "answered")
        assert result.steps[0].done[0].output == row["messages"][3]["content"].removeprefix("Observation: ")
        assert React().opening(row["question"], tools) == row["messages"][:2]
    words[words.index("calculator")] = "hammer"
    done = subprocess.run([sys.executable, "-m", "training.chats", *words], check=False, capture_output=True, cwd=TRACK)
    assert done.returncode == 2 and b"there is no tool hammer" in done.stderr
