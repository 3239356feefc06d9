"""Log-probabilities through a completions server: perplexity and the choice of an option equal transformers' own."""

import json
import math
import re
import zlib

import pytest
import torch
from tiny_shared import cli
from tiny_shared.testing import FakeServer
from transformers import GPT2Config, GPT2LMHeadModel

from main import parser, user_errors

VOCABULARY = 97
TEXT = "The tide went out.\nNobody saw the lamp, for it was noon.\n潮水退了，没有人看见灯。\n" * 40


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    shape = GPT2Config(vocab_size=VOCABULARY, n_positions=1024, n_embd=16, n_layer=2, n_head=2)
    return GPT2LMHeadModel(shape).eval()


def pieces(text):
    return re.findall(r" ?\w+|[^\w]", text)


def ids(text):
    return torch.tensor([[zlib.crc32(piece.encode()) % VOCABULARY for piece in pieces(text)]])


def serve(model):
    """A completions server with `echo` and `logprobs`, as vLLM answers; the token that it makes anew stands last."""

    def reply(request):
        assert request["echo"] and request["logprobs"] and request["max_tokens"] == 1
        found = ids(request["prompt"])
        with torch.no_grad():
            logprobs = model(found).logits.log_softmax(-1)
        own = logprobs[0, :-1].gather(1, found[0, 1:, None])[:, 0].tolist()
        tokens = [*pieces(request["prompt"]), "!"]
        offsets = [sum(map(len, tokens[:place])) for place in range(len(tokens))]
        kept = {"tokens": tokens, "token_logprobs": [None, *own, -0.5], "text_offset": offsets, "top_logprobs": None}
        return {"content": request["prompt"] + "!", "logprobs": kept}

    return reply


def run(capsys, *words, code=0):
    assert cli.run(parser(), ["run", *map(str, words), "--json"], user_errors()) == code
    out, err = capsys.readouterr()
    return json.loads(out)[0] if code == 0 else err.strip().splitlines()[-1]


def test_perplexity_is_that_of_transformers(model, tmp_path, capsys):
    (tmp_path / "text.txt").write_text(TEXT, encoding="utf-8")
    with FakeServer() as server:
        server.replies = serve(model)
        found = run(capsys, "--task", "perplexity", "--data", tmp_path / "text.txt", "--model", "tiny-chat", "--out",
                    tmp_path, "--base-url", server.base_url)  # fmt: skip
        windows = [request.body["prompt"] for request in server.requests]
    assert "".join(sorted(windows, key=TEXT.index)) == TEXT or len(windows) > 1
    total = count = 0.0
    for window in windows:
        own = ids(window)
        with torch.no_grad():
            total += float(model(own, labels=own).loss) * (own.shape[1] - 1)
        count += own.shape[1] - 1
    assert found["scored_tokens"] == count
    assert found["perplexity"] == pytest.approx(math.exp(total / count), rel=1e-6)
    assert found["bits_per_byte"] == pytest.approx(total / math.log(2) / len(TEXT.encode()), rel=1e-6)


def test_the_likeliest_option_is_that_of_transformers(model, tmp_path, capsys):
    options = ["the lamp", "noon tide", "nobody", "it was"]
    rows = [{"id": f"q{n}", "input": f"Who saw {n}?", "choices": options, "answers": ["A"]} for n in range(8)]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "t.yaml").write_text("name: t\ndata: t.jsonl\nprompt: '{{input}}'\nmetric: choice\n")
    with FakeServer() as server:
        server.replies = serve(model)
        run(capsys, "--task", tmp_path / "t.yaml", "--loglikelihood", "--model", "tiny-chat", "--out", tmp_path / "out",
            "--base-url", server.base_url)  # fmt: skip
        assert len(server.requests) == 32
    for line in (tmp_path / "out" / "t" / "tiny-chat.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        expected = []
        for option in options:
            before, own = ids(row["input"]), ids(f"{row['input']} {option}")
            with torch.no_grad():
                logprobs = model(own).logits.log_softmax(-1)
            places = range(before.shape[1], own.shape[1])
            expected.append(sum(float(logprobs[0, place - 1, own[0, place]]) for place in places))
        assert row["option_logprobs"] == pytest.approx(expected, abs=2e-6)
        assert row["pred"] == row["by"]["sum"] == "ABCD"[expected.index(max(expected))]
        worth = [value / len(option) for value, option in zip(expected, options, strict=True)]
        assert row["by"]["per_character"] == "ABCD"[worth.index(max(worth))]


def test_a_server_without_echo_is_named(tmp_path, capsys):
    with FakeServer() as server:
        line = run(capsys, "--task", "choice-en", "--loglikelihood", "--model", "tiny-chat", "--out", tmp_path,
                   "--base-url", server.base_url, code=2)  # fmt: skip
    assert "gives no log-probabilities of a prompt" in line and "without --loglikelihood" in line
