"""The server for the tests speaks the real protocol: the openai client is the outside witness."""

import json
import math

import openai
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from tiny_shared.testing import FakeServer, Fault
from tiny_shared.testing.formats import bag_of_words

QUESTION = [{"role": "user", "content": "Why?"}]
CALLS = [{"name": "add", "arguments": {"a": 1}}, {"name": "now", "arguments": "{}", "id": "mine"}]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    """These clients are not ours: they would ask a proxy of the machine for 127.0.0.1."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server():
    with FakeServer() as server:
        yield server


@pytest.fixture
def client(server):
    return openai.OpenAI(api_key="none", base_url=server.base_url, max_retries=0, timeout=10)


def test_models(client):
    assert [model.id for model in client.models.list()] == ["tiny-chat", "tiny-embed"]


def test_replies_are_used_up_then_echoed(server, client):
    server.replies = ["first", {"content": "second", "finish_reason": "length"}]
    answers = [client.chat.completions.create(model="tiny-chat", messages=QUESTION).choices[0] for _ in range(3)]
    assert [answer.message.content for answer in answers] == ["first", "second", "echo: Why?"]
    assert [answer.finish_reason for answer in answers] == ["stop", "length", "stop"]


def test_replies_may_be_a_function_of_the_request(server, client):
    server.replies = lambda request: f"{len(request['messages'])} at {request['temperature']}"
    answer = client.chat.completions.create(model="tiny-chat", messages=QUESTION * 3, temperature=0.5)
    assert answer.choices[0].message.content == "3 at 0.5"


def test_tool_calls_are_the_same_streamed_and_whole(server, client):
    server.replies = [{"tool_calls": CALLS}] * 2
    whole = client.chat.completions.create(model="tiny-chat", messages=QUESTION).choices[0].message.tool_calls
    joined: dict[int, dict[str, str]] = {}
    for chunk in client.chat.completions.create(model="tiny-chat", messages=QUESTION, stream=True):
        for delta in chunk.choices[0].delta.tool_calls or []:
            call = joined.setdefault(delta.index, {"id": delta.id, "name": delta.function.name, "arguments": ""})
            call["arguments"] += delta.function.arguments
    assert [(call.id, call.function.name, call.function.arguments) for call in whole] == [
        ("call_0", "add", '{"a": 1}'),
        ("mine", "now", "{}"),
    ]
    assert [tuple(call.values()) for _, call in sorted(joined.items())] == [
        (call.id, call.function.name, call.function.arguments) for call in whole
    ]


@pytest.mark.parametrize("asked", [True, False])
def test_usage_ends_a_stream_if_asked(client, asked):
    options = {"stream_options": {"include_usage": True}} if asked else {}
    chunks = list(client.chat.completions.create(model="tiny-chat", messages=QUESTION, stream=True, **options))
    whole = client.chat.completions.create(model="tiny-chat", messages=QUESTION)
    assert [chunk.usage for chunk in chunks if chunk.usage] == ([whole.usage] if asked else [])
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "echo: Why?"


def test_the_older_completions(server, client):
    whole = client.completions.create(model="tiny-chat", prompt="Once upon")
    parts = client.completions.create(model="tiny-chat", prompt="Once upon", stream=True)
    assert whole.choices[0].text == "".join(part.choices[0].text for part in parts) == "echo: Once upon"


def test_embeddings_are_the_same_as_numbers_and_as_base64(client):
    texts = ["the cat", "the dog", "天气"]
    numbers = client.embeddings.create(model="tiny-embed", input=texts, encoding_format="float", dimensions=32).data
    packed = client.embeddings.create(model="tiny-embed", input=texts, dimensions=32).data  # asks for base64
    for text, one, other in zip(texts, numbers, packed, strict=True):
        assert one.embedding == bag_of_words(text, 32)
        assert other.embedding == pytest.approx(one.embedding, abs=1e-7)


@given(st.text(), st.integers(1, 80))
def test_a_bag_of_words_is_a_unit_vector_without_order(text, size):
    vector = bag_of_words(text, size)
    words = text.split()
    assert math.isclose(sum(x * x for x in vector), 1) or not any(vector)
    assert bag_of_words(" ".join(reversed(words)), size) == bag_of_words(" ".join(words), size)


def test_texts_that_share_words_are_near_each_other():
    def likeness(one, other):
        return sum(x * y for x, y in zip(bag_of_words(one), bag_of_words(other), strict=True))

    assert likeness("the cat sat here", "a cat sat there") > likeness("the cat sat here", "stock prices fell today")
    assert likeness("今天天气好", "天气如何") > likeness("今天天气好", "股票下跌")


def test_a_key_is_asked_for_and_shown_in_the_refusal(server, client):
    server.api_key = "right"
    with pytest.raises(openai.AuthenticationError, match="Bearer none"):
        client.models.list()
    assert openai.OpenAI(api_key="right", base_url=server.base_url).models.list().data


def test_faults_are_used_up_in_order(server):
    server.faults = ["503", "ok", Fault("429", {"Retry-After": "2"}), "html", "garbage"]
    answers = [requests.get(f"{server.base_url}/models", timeout=10) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [503, 200, 429, 200, 200, 200]
    assert answers[2].headers["retry-after"] == "2"
    assert answers[3].headers["content-type"] == "text/html"
    with pytest.raises(ValueError):
        answers[4].json()
    assert answers[5].json()["object"] == "list"


def test_requests_are_recorded(server, client):
    client.chat.completions.create(model="tiny-chat", messages=QUESTION, extra_headers={"X-Trace": "7"})
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.body == {"model": "tiny-chat", "messages": QUESTION}
    assert request.headers["x-trace"] == "7"


@pytest.mark.parametrize(("path", "model"), [("/v1/unknown", "tiny-chat"), ("/v1/embeddings", "gpt-9")])
def test_unknown_addresses_and_models(server, path, model):
    answer = requests.post(server.url + path, data=json.dumps({"model": model, "input": "x"}), timeout=10)
    assert answer.status_code == 404 and answer.json()["error"]["message"]


def test_a_mistake_in_the_tests_own_reply_is_raised_at_the_end():
    def broken(request):
        raise KeyError("no such field")

    with pytest.raises(KeyError, match="no such field"), FakeServer() as server:
        server.replies = broken
        body = {"model": "tiny-chat", "messages": QUESTION}
        answer = requests.post(f"{server.base_url}/chat/completions", json=body, timeout=10)
        assert answer.status_code == 500


def test_a_misspelt_fault_is_raised_at_the_end():
    with pytest.raises(ValueError, match=r"one of ok, refuse.*\(got 'stal'\)"), FakeServer() as server:
        server.faults = ["stal"]
        requests.get(f"{server.base_url}/models", timeout=10)


def test_a_file_with_ranges(server):
    server.files = {"a b.bin": b"0123456789"}
    url = f"{server.url}/files/a%20b.bin"

    def get(**headers):
        return requests.get(url, headers={name.replace("_", "-"): value for name, value in headers.items()}, timeout=10)

    whole = get()
    etag = whole.headers["ETag"]
    assert (whole.status_code, whole.content) == (200, b"0123456789")
    part = get(Range="bytes=7-", If_Range=etag)
    assert (part.status_code, part.content, part.headers["Content-Range"]) == (206, b"789", "bytes 7-9/10")
    assert get(Range="bytes=7-", If_Range='"old"').content == b"0123456789"
    assert (get(Range="bytes=10-").status_code, get(Range="bytes=10-").headers["Content-Range"]) == (416, "bytes */10")
    server.files["a b.bin"] = b"changed"
    assert get().headers["ETag"] != etag
    assert requests.get(f"{server.url}/files/gone", timeout=10).status_code == 404
