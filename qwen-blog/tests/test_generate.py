"""Writing on: the same tokens as `transformers` greedily, with and without the cache; sampling; conversations."""

import random
from typing import Any

import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st

import qwen_folder
from qwen_blog.chat import Conversation
from qwen_blog.chat_template import chat_ids
from qwen_blog.generate import generate, steps
from qwen_blog.problem import Problem
from qwen_blog.sampling import Sampling, choose, filtered, penalised
from qwen_blog.tokenizer import Tokenizer
from reference import pair, random_ids


@pytest.fixture(scope="module", params=["qwen2", "qwen3-moe", "qwen2, sliding window"])
def both(request, tmp_path_factory):
    return pair(request.param, tmp_path_factory.mktemp("model"))


@pytest.mark.parametrize("use_cache", [False, True])
def test_greedy_text_is_theirs(both, use_cache):
    reference, ours = both
    ids = random_ids(rows=1, length=7)
    settings = {"max_new_tokens": 20, "do_sample": False, "eos_token_id": None, "pad_token_id": 0}
    expected = reference.generate(ids, **settings)[0, 7:].tolist()
    assert generate(ours, ids[0].tolist(), 20, use_cache=use_cache) == expected
    assert (
        generate(ours, ids[0].tolist(), 20, Sampling(ends=frozenset(expected[4:5])))
        == expected[: expected.index(expected[4]) + 1]
    )


def test_greedy_text_with_a_penalty_is_theirs(both):
    reference, ours = both
    ids = random_ids(rows=1, length=7, seed=3)
    expected = reference.generate(ids, max_new_tokens=20, do_sample=False, repetition_penalty=1.3, eos_token_id=None,
                                  pad_token_id=0)  # fmt: skip
    assert generate(ours, ids[0].tolist(), 20, Sampling(repetition_penalty=1.3)) == expected[0, 7:].tolist()


def test_the_positions_are_the_limit(both):
    _, ours = both
    assert len(generate(ours, [1] * 60, 100)) == 4
    with pytest.raises(Problem, match="the prompt has 65 tokens, the model 64 positions; shorten it"):
        generate(ours, [1] * 65)
    with pytest.raises(Problem, match="no token"):
        generate(ours, [])
    with pytest.raises(Problem, match="outside the model's vocabulary"):
        generate(ours, [97])


@given(st.lists(st.floats(-8, 8, width=16), min_size=2, max_size=40, unique=True), st.floats(0.1, 3),
       st.integers(0, 12), st.floats(0.05, 1), st.floats(0.5, 2), st.data())  # fmt: skip
def test_filters_are_theirs(values, temperature, k, p, penalty, data):
    logits = torch.tensor(values)
    seen = data.draw(st.lists(st.integers(0, len(values) - 1), min_size=1, max_size=5))
    expected = transformers.RepetitionPenaltyLogitsProcessor(penalty)(torch.tensor([seen]), logits[None].clone())
    torch.testing.assert_close(penalised(logits, seen, penalty), expected[0])
    expected = transformers.TemperatureLogitsWarper(temperature)(None, logits[None])
    if k:
        expected = transformers.TopKLogitsWarper(k)(None, expected)
    expected = transformers.TopPLogitsWarper(p)(None, expected)[0] if p < 1 else expected[0]
    got = filtered(logits, Sampling(temperature, k, p))
    kept, wanted = set(got.isfinite().nonzero()[:, 0].tolist()), set(expected.isfinite().nonzero()[:, 0].tolist())
    assert got.argmax() == logits.argmax()
    if kept != wanted:  # the two add probabilities up from different ends; only a token on the very border may differ
        (border,) = kept ^ wanted
        probability = transformers.TemperatureLogitsWarper(temperature)(None, logits[None])[0].softmax(-1)
        if 0 < k < len(values):
            probability = filtered(logits, Sampling(temperature, k)).softmax(-1)
        assert abs(float(probability[probability > probability[border]].sum()) - p) < 1e-5


def test_chance_follows_the_distribution():
    logits = torch.tensor([2.0, 1.0, 0.0, -1.0])
    chance = random.Random(0)
    drawn = torch.bincount(torch.tensor([choose(logits, [], Sampling(1.0), chance) for _ in range(8000)])) / 8000
    torch.testing.assert_close(drawn.float(), logits.softmax(-1), atol=0.02, rtol=0)
    assert {choose(logits, [], Sampling(1.0, top_k=2), chance) for _ in range(200)} == {0, 1}


@pytest.mark.parametrize(("settings", "said"), [
    ({"temperature": -1}, "temperature must be"), ({"temperature": float("nan")}, "temperature"),
    ({"top_k": -1}, "top_k"),
    ({"top_p": 0}, "top_p"), ({"top_p": 1.5}, "top_p"), ({"repetition_penalty": 0}, "repetition_penalty"),
])  # fmt: skip
def test_settings_that_make_no_sense(settings, said):
    with pytest.raises(Problem, match=said):
        Sampling(**settings)


def test_recommended_sampling(tmp_path):
    assert Sampling.recommended(tmp_path) == Sampling()
    file = tmp_path / "generation_config.json"
    file.write_text('{"do_sample": true, "temperature": 0.7, "top_k": 20, "top_p": 0.8, "repetition_penalty": 1.05, '
                    '"eos_token_id": [5, 6]}')  # fmt: skip
    assert Sampling.recommended(tmp_path) == Sampling(0.7, 20, 0.8, 1.05, frozenset({5, 6}))
    file.write_text('{"do_sample": false, "temperature": 0.7}')
    assert Sampling.recommended(tmp_path).temperature == 0
    for broken in ("{", "[]", '{"do_sample": true, "top_p": 7}', '{"do_sample": true, "top_k": "x"}'):
        file.write_text(broken)
        with pytest.raises(Problem):
            Sampling.recommended(tmp_path)


class Parrot:
    """A model that answers with the tokens it is told to."""

    def __init__(self, tokenizer, replies, positions=200):
        self.replies, self.read = iter(replies), []
        self.config = type("Config", (), {"ends": frozenset(), "max_position_embeddings": positions})
        self.tokenizer = tokenizer


@pytest.fixture
def talk(tmp_path, monkeypatch):
    qwen_folder.make(tmp_path, qwen_folder.QWEN3)
    tokenizer = Tokenizer.from_folder(tmp_path)
    parrot: Any = Parrot(tokenizer, ["One.<|im_end|>", "Two", "Three.<|im_end|>"])

    def spoken(model, ids, *rest):
        model.read.append(ids)
        yield from tokenizer.encode(next(model.replies))

    monkeypatch.setattr("qwen_blog.chat.steps", spoken)
    return Conversation(parrot, tokenizer, "Be brief.", max_new_tokens=40, thinking=False)


def test_replies_are_remembered_and_forgotten_from_the_front(talk):
    pieces: list[str] = []
    first = talk.reply("First question, please?", pieces.append)
    assert "".join(pieces) == "One."
    assert (first.text, first.finish, first.forgotten) == ("One.", "end", 0)
    second = talk.reply("Second?")
    assert (second.text, second.finish) == ("Two", "length")
    asked = [{"role": "system", "content": "Be brief."}, *talk.messages[:3]]
    assert talk.model.read[1] == chat_ids(talk.tokenizer, asked, enable_thinking=False)
    talk.model.config.max_position_embeddings = 95
    third = talk.reply("Third?")
    assert third.forgotten > 0 and third.text == "Three." and talk.messages[0]["content"] != "First question, please?"
    talk.model.config.max_position_embeddings = 50
    with pytest.raises(Problem, match="shorten it"):
        talk.reply("x" * 200)
    with pytest.raises(Problem, match="empty"):
        talk.reply(" ")


def test_steps_come_one_by_one(both):
    _, ours = both
    first = next(steps(ours, [1, 2, 3], 10))
    assert first == generate(ours, [1, 2, 3], 1)[0]
