"""The server against the official client: chats, streams, completions, scores, embeddings; its limits; many at once."""

import asyncio
import base64
import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest
import torch
import uvicorn

from tiny_llama3 import hub
from tiny_llama3.chat_template import Message, prompt_ids
from tiny_llama3.generate import end_ids, generate, steps
from tiny_llama3.model import Llama, LlamaConfig
from tiny_llama3.sampling import Sampling
from tiny_llama3.serve.app import LARGEST_BODY, create_app
from tiny_llama3.serve.engine import Busy, Engine, Request
from tiny_llama3.serve.slots import Slots
from tiny_llama3.tokenizer import Tokenizer

TRACK = Path(__file__).resolve().parents[1]
TEXT = "the cat sat on the mat; the dog sang, and the cat did not. 猫坐在垫子上。user assistant system"
SAID: Any = [{"role": "user", "content": "the cat"}]


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.train([TEXT], 300)


@pytest.fixture(scope="module")
def model(tokenizer):
    torch.manual_seed(0)
    made = Llama(LlamaConfig(len(tokenizer), 32, 48, 2, 4, 2, max_position_embeddings=256, rope_theta=1e4)).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.ndim == 2:
                parameter.normal_(0, 0.3)
    return made


class Running:
    """The server in a thread of its own, on a free port of this machine."""

    def __init__(self, model, tokenizer, token=None, rows=4, waiting=8, name="tiny"):
        self.engine = Engine(model, rows, waiting)
        config = uvicorn.Config(create_app(self.engine, tokenizer, name, token), port=0, log_level="error")
        self.server, self.socket = uvicorn.Server(config), config.bind_socket()
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self.server.run, args=([self.socket],), daemon=True)
        self.thread.start()
        while not self.server.started:
            threading.Event().wait(0.01)

    def client(self, key="none"):
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=key, max_retries=0)

    def close(self):
        self.server.should_exit = True
        self.thread.join()
        self.engine.close()


@pytest.fixture(scope="module")
def running(model, tokenizer):
    made = Running(model, tokenizer)
    yield made
    made.close()


@pytest.fixture
def client(running):
    return running.client()


def alone(model, ids, count, ends=()):
    """What `generate` writes, up to its end."""
    written = generate(model, [list(ids)], count, eos=[*end_ids(model), *ends])[0][len(ids) :]
    return written[:-1] if written and written[-1] in ends else written


def test_rows_of_any_length_write_what_each_would_alone(model):
    slots, chance = Slots(model, 5, 64), random.Random(0)
    going = {}
    for _ in range(60):
        if slots.free and chance.random() < 0.4:
            prompt = [chance.randrange(300) for _ in range(chance.randint(1, 20))]
            row, logits = slots.read(prompt)
            going[row] = prompt, [int(logits[-1].argmax())]
        if going:
            rows = [row for row in going if chance.random() < 0.8] or list(going)
            for row, logits_V in zip(rows, slots.step(rows, [going[row][1][-1] for row in rows]), strict=True):
                going[row][1].append(int(logits_V.argmax()))
        for row in [row for row, (_, new) in going.items() if len(new) > chance.randint(6, 20)]:
            prompt, new = going.pop(row)
            assert new == [id for (id,) in steps(model, [prompt], len(new), Sampling())]
            slots.release(row)
    assert len(slots.free) + len(going) == 5


def test_greedy_chats_are_those_of_generate(client, model, tokenizer):
    ids = prompt_ids(tokenizer, [Message("user", "the cat")])
    ends = {tokenizer.eot_id, tokenizer.eos_id, tokenizer.bos_id}
    expected = alone(model, ids, 20, ends)
    found = client.chat.completions.create(model="tiny", messages=SAID, temperature=0, max_tokens=20)
    assert found.choices[0].message.content == tokenizer.decode(expected, skip_special=True)
    assert found.usage.prompt_tokens == len(ids) and found.usage.completion_tokens == len(expected)
    assert found.choices[0].finish_reason == ("length" if len(expected) == 20 else "stop")
    pieces: list[str] = []
    usage: Any = None
    for chunk in client.chat.completions.create(model="tiny", messages=SAID, temperature=0, max_tokens=20, stream=True,
                                                stream_options={"include_usage": True}):  # fmt: skip
        pieces += [choice.delta.content or "" for choice in chunk.choices]
        usage = chunk.usage or usage
    assert "".join(pieces) == found.choices[0].message.content and usage.completion_tokens == len(expected)


def test_completions_echo_and_scores(client, model, tokenizer):
    text = "the cat sat"
    ids = [tokenizer.bos_id, *tokenizer.encode(text)]
    found = client.completions.create(model="tiny", prompt=text, max_tokens=5, temperature=0, echo=True, logprobs=2)
    with torch.no_grad():
        expected = model(torch.tensor([ids]))[0].log_softmax(-1)
    (choice,) = found.choices
    written = alone(model, ids, 5, {tokenizer.eot_id, tokenizer.eos_id, tokenizer.bos_id})
    assert choice.text == text + tokenizer.decode(written, skip_special=True)
    scores = choice.logprobs.token_logprobs
    assert len(scores) == len(choice.logprobs.tokens) == len(ids) - 1 + len(written)
    for place in range(1, len(ids)):
        assert scores[place - 1] == pytest.approx(float(expected[place - 1, ids[place]]), abs=1e-4)
        best = choice.logprobs.top_logprobs[place - 1]
        assert max(best.values()) == pytest.approx(float(expected[place - 1].max()), abs=1e-4) and len(best) <= 2
    assert choice.logprobs.text_offset[0] == 0 and "".join(choice.logprobs.tokens).startswith(text)
    nothing = client.completions.create(model="tiny", prompt=text, max_tokens=0, echo=True, logprobs=0)
    assert nothing.choices[0].text == text and nothing.choices[0].finish_reason == "length"
    assert nothing.choices[0].logprobs.token_logprobs == pytest.approx(scores[: len(ids) - 1], abs=1e-4)
    by_ids = client.completions.create(model="tiny", prompt=[ids[1:], ids[1:3]], max_tokens=3, temperature=0)
    assert [each.index for each in by_ids.choices] == [0, 1]
    assert by_ids.choices[0].text == tokenizer.decode(written[:3], skip_special=True)


def test_chat_logprobs(client, model, tokenizer):
    ids = prompt_ids(tokenizer, [Message("user", "the cat")])
    found = client.chat.completions.create(model="tiny", messages=SAID, temperature=0, max_tokens=3, logprobs=True,
                                           top_logprobs=4)  # fmt: skip
    with torch.no_grad():
        expected = model(torch.tensor([ids]))[0, -1].log_softmax(-1)
    first = found.choices[0].logprobs.content[0]
    assert first.logprob == pytest.approx(float(expected.max()), abs=1e-4)
    assert [each.logprob for each in first.top_logprobs] == pytest.approx(expected.topk(4).values.tolist(), abs=1e-4)
    assert bytes(first.bytes).decode("utf-8", "replace") == first.token


def test_seeds_choices_and_stop_strings(client, model, tokenizer):
    def write(**changes):
        given = {"model": "tiny", "prompt": "the", "max_tokens": 12, "temperature": 1.5, "seed": 3, "n": 3} | changes
        return [choice.text for choice in client.completions.create(**given).choices]

    texts = write()
    assert texts == write() and len(set(texts)) == 3 and write(seed=4)[0] == texts[1]
    first = [id for (id,) in steps(model, [[tokenizer.bos_id, *tokenizer.encode("the")]], 12, Sampling(1.5), 3)]
    ends = {*end_ids(model), tokenizer.bos_id, tokenizer.eos_id, tokenizer.eot_id}
    first = first[: min((place for place, id in enumerate(first) if id in ends), default=12)]
    assert texts[0] == tokenizer.decode(first, skip_special=True)
    (whole,) = write(n=1, temperature=0)
    stop = whole[2:4]
    found = client.completions.create(model="tiny", prompt="the", max_tokens=12, temperature=0, stop=[stop, "§"])
    assert found.choices[0].text == whole[: whole.index(stop)] and found.choices[0].finish_reason == "stop"
    streamed = client.completions.create(
        model="tiny", prompt="the", max_tokens=12, temperature=0, stop=stop, stream=True
    )
    assert "".join(chunk.choices[0].text for chunk in streamed) == found.choices[0].text


def test_embeddings(client, model, tokenizer):
    texts = ["the cat", "the dog sang"]
    found = client.embeddings.create(model="tiny", input=texts)
    plain = client.embeddings.create(model="tiny", input=texts, encoding_format="float")
    for text, row, other in zip(texts, found.data, plain.data, strict=True):
        with torch.no_grad():
            mean = model.hidden(torch.tensor([tokenizer.encode(text)]))[0].mean(0)
        np.testing.assert_allclose(row.embedding, (mean / mean.norm()).numpy(), atol=1e-5)
        np.testing.assert_allclose(other.embedding, row.embedding, atol=1e-6)
    raw = httpx.post(f"{client.base_url}embeddings", json={"input": "the", "encoding_format": "base64"}).json()
    assert len(base64.b64decode(raw["data"][0]["embedding"])) == 4 * model.config.hidden_size


def test_models(client):
    assert [model.id for model in client.models.list()] == ["tiny"] and client.models.retrieve("tiny").id == "tiny"
    with pytest.raises(openai.NotFoundError, match="isn't served here"):
        client.models.retrieve("gpt-4")


BAD = [
    {"messages": []}, {"messages": "hi"}, {}, {"messages": [{"role": "robot", "content": "x"}]},
    {"messages": SAID, "temperature": -1}, {"messages": SAID, "temperature": "hot"}, {"messages": SAID, "n": 0},
    {"messages": SAID, "n": 99}, {"messages": SAID, "stop": [""]}, {"messages": SAID, "stop": ["a"] * 9},
    {"messages": SAID, "top_p": 0}, {"messages": SAID, "max_tokens": -1}, {"messages": SAID, "tools": [{}]},
    {"messages": SAID, "response_format": {"type": "json_object"}}, {"messages": SAID, "top_logprobs": 3},
    {"messages": [{"role": "user", "content": "x " * 400}]}, {"messages": SAID, "logprobs": True, "top_logprobs": 99},
]  # fmt: skip


@pytest.mark.parametrize("body", BAD, ids=str)
def test_what_cannot_be_done_is_refused_in_openais_form(running, body):
    answer = httpx.post(f"{running.url}/v1/chat/completions", json={"model": "tiny"} | body)
    assert answer.status_code == 400 and set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert "\n" not in answer.json()["error"]["message"]


def test_other_bodies(running):
    for data in (
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"messages": [{"role":"user","content":"\\ud800"}]}',
    ):
        assert httpx.post(f"{running.url}/v1/chat/completions", content=data).status_code == 400, data[:20]
    large = httpx.post(f"{running.url}/v1/completions", content=b"x" * (LARGEST_BODY + 1))
    assert large.status_code == 413
    named = httpx.post(f"{running.url}/v1/chat/completions", json={"model": "gpt-4", "messages": SAID})
    assert named.status_code == 404 and named.json()["error"]["code"] == "model_not_found"
    assert httpx.get(f"{running.url}/nowhere").status_code == 404


def random_value(chance, depth=0):
    kind = chance.randrange(9)
    if kind == 0 and depth < 3:
        return [random_value(chance, depth + 1) for _ in range(chance.randrange(4))]
    if kind == 1 and depth < 3:
        return {
            chance.choice(["role", "content", "type", "text", "x"]): random_value(chance, depth + 1) for _ in range(2)
        }
    return chance.choice(
        [None, True, -1, 0, 1, 2**70, -0.5, 1e300, "", "the cat", "\u0000", "a" * 300, "user", "猫", [1, 2], [[1]]]
    )


FIELDS = """messages prompt input temperature top_p top_k min_p repetition_penalty max_tokens n seed stop stream
            logprobs top_logprobs echo stream_options encoding_format max_completion_tokens response_format
            tools""".split()
GOOD = {"messages": SAID, "prompt": "the", "input": "the", "max_tokens": 2, "model": "tiny"}


def test_whatever_is_sent_there_is_no_500(running):
    chance = random.Random(0)
    statuses = set()
    with httpx.Client(timeout=60) as http:
        for _ in range(400):
            body: dict[str, Any] = dict(GOOD)
            for field in chance.sample(FIELDS, chance.randint(1, 4)):
                body[field] = random_value(chance)
            where = chance.choice(["chat/completions", "completions", "embeddings"])
            if not isinstance(body.get("max_tokens"), int) or body["max_tokens"] > 3:
                body["max_tokens"] = 2
            body.pop("max_completion_tokens", None)
            answer = http.post(f"{running.url}/v1/{where}", content=json.dumps(body).encode("utf-8", "surrogatepass"))
            statuses.add(answer.status_code)
            assert answer.status_code in (200, 400, 404), (body, answer.text)
    assert {200, 400} <= statuses
    deadline = time.monotonic() + 30
    while running.engine._inside or not running.engine._waiting.empty():  # nothing that was refused stays behind
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl isn't installed")
@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_readmes_curl_line(model, tokenizer, name):
    (line,) = re.findall(r"^curl .*$", (TRACK / name).read_text(encoding="utf-8"), re.M)
    (served,) = re.findall(r'"model": "([^"]+)"', line)
    made = Running(model, tokenizer, name=served)
    try:
        words = [word.replace("http://127.0.0.1:8000", made.url) for word in shlex.split(line)]
        assert sum(made.url in word for word in words) == 1
        done = subprocess.run([*words, "--silent", "--fail"], capture_output=True, encoding="utf-8", timeout=120)
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        assert answer["object"] == "chat.completion" and answer["model"] == served
        assert answer["choices"][0]["message"]["role"] == "assistant" and answer["usage"]["completion_tokens"] > 0
    finally:
        made.close()


def test_without_the_token_nobody_gets_in(model, tokenizer):
    made = Running(model, tokenizer, token="s3cret")
    try:
        for key in ("x", "wrong", "s3cre", "s3cret2"):
            with pytest.raises(openai.AuthenticationError):
                made.client(key).chat.completions.create(model="tiny", messages=SAID)
        for path in ("models", "models/tiny"):
            assert httpx.get(f"{made.url}/v1/{path}").status_code == 401
        assert httpx.get(f"{made.url}/v1/models", headers={b"Authorization": "Bearer é".encode()}).status_code == 401
        right = {"Authorization": "Bearer s3cret"}
        assert httpx.get(f"{made.url}/v1/models", headers=right).status_code == 200
        assert httpx.get(f"{made.url}/").status_code == 200
    finally:
        made.close()


def test_when_full_the_server_says_so_and_recovers(model, tokenizer):
    made = Running(model, tokenizer, rows=1, waiting=1)

    async def many():
        async with httpx.AsyncClient(timeout=60) as http:
            body = {"model": "tiny", "prompt": "the cat", "max_tokens": 150, "temperature": 2, "top_p": 1.0}
            answers = await asyncio.gather(*(http.post(f"{made.url}/v1/completions", json=body) for _ in range(12)))
        return [(answer.status_code, answer.headers.get("retry-after")) for answer in answers]

    try:
        found = asyncio.run(many())
        assert {status for status, _ in found} == {200, 429} and (429, "1") in found
        assert made.client().completions.create(model="tiny", prompt="the", max_tokens=1).choices
    finally:
        made.close()


def test_many_streams_at_once_are_not_mixed_up(running, model, tokenizer):
    words = ["the", "cat", "sat", "mat", "dog", "sang", "not", "on", "猫", "坐在", "垫子", "and"]
    expected = {}
    for word in words:
        ids = [tokenizer.bos_id, *tokenizer.encode(word)]
        ends = {tokenizer.eot_id, tokenizer.eos_id, tokenizer.bos_id}
        expected[word] = tokenizer.decode(alone(model, ids, 30, ends), skip_special=True)

    async def one(client, word):
        pieces = []
        stream = await client.completions.create(model="tiny", prompt=word, max_tokens=30, temperature=0, stream=True)
        async for chunk in stream:
            pieces.append(chunk.choices[0].text)
        return word, "".join(pieces)

    async def all_of_them():
        async with openai.AsyncOpenAI(base_url=f"{running.url}/v1", api_key="x", max_retries=20) as client:
            return await asyncio.gather(*(one(client, word) for word in words))

    assert dict(asyncio.run(all_of_them())) == expected


def test_a_client_that_leaves_makes_room(model, tokenizer):
    made = Running(model, tokenizer, rows=1, waiting=4)
    try:
        body = {"model": "tiny", "prompt": "the", "max_tokens": 200, "temperature": 2, "stream": True}
        with httpx.stream("POST", f"{made.url}/v1/completions", json=body) as answer:
            next(answer.iter_lines())
        assert made.client().completions.create(model="tiny", prompt="the", max_tokens=1, timeout=30).choices
    finally:
        made.close()
    assert made.engine._inside == 0


def test_an_error_while_computing_reaches_everybody_and_the_engine_goes_on(model, monkeypatch):
    engine, ended = Engine(model, 2, 4), []
    done = threading.Event()

    def end(reason):
        ended.append(reason)
        done.set()

    whole = Slots.step
    monkeypatch.setattr(Slots, "step", lambda *rest: 1 / 0)
    engine.submit(Request([1, 2], 5, lambda *rest: None, end))
    assert done.wait(20) and "ZeroDivisionError" in ended[0]
    monkeypatch.setattr(Slots, "step", whole)
    done.clear()
    engine.submit(Request([1, 2], 5, lambda *rest: None, end))
    assert done.wait(20) and ended[1] == "length"
    engine.close()
    with pytest.raises(Busy):
        engine.submit(Request([1], 1, print, print))


def test_the_command(tmp_path, model, tokenizer):
    hub.save(tmp_path / "model", model, tokenizer)
    command = [sys.executable, "main.py", "serve", "--model", str(tmp_path / "model"), "--port", "0", "--json"]
    with subprocess.Popen(command, cwd=TRACK, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8",
                          env=os.environ | {"SERVE_TOKEN": "abc"}) as child:  # fmt: skip
        try:
            lines = ""
            while "}" not in lines:
                lines += child.stdout.readline()  # type: ignore[union-attr]
            about = json.loads(lines)
            with openai.OpenAI(base_url=about["url"], api_key="abc", max_retries=0, timeout=60) as client:
                assert client.chat.completions.create(model="model", messages=SAID, max_tokens=2).choices
            child.terminate()
            child.wait(30)
        finally:
            child.kill()
    for words, said in ((["--host", "0.0.0.0"], "SERVE_TOKEN"), (["--port", "99999"], "--port must be")):
        wrong = subprocess.run([*command[:5], *words], cwd=TRACK, capture_output=True, encoding="utf-8")
        assert wrong.returncode == 2 and said in wrong.stderr and wrong.stderr.count("\n") == 1
