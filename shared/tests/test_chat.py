"""The chat client and a server that misbehaves on demand: what is asked again, what is said, what is never shown."""

import json
import logging
import socket
import sys
import threading

import pytest
from tiny_shared.chat import Chat, ChatError, Settings, ToolCall, Usage
from tiny_shared.testing import FakeServer, Fault

KEY = "sk-very-secret-0123456789"
QUESTION = [{"role": "user", "content": "Why?"}]


@pytest.fixture
def server():
    with FakeServer() as server:
        yield server


@pytest.fixture
def waits():
    """The seconds that the client would have slept."""
    return []


@pytest.fixture
def chat(server, waits):
    return Chat(server.settings, timeout=5, sleep=waits.append, draw=lambda: 0.5)


@pytest.fixture
def hasty(server, waits):
    """A chat that gives up on silence quickly, for the tests in which the server is silent."""
    return Chat(server.settings, timeout=0.3, retries=1, sleep=waits.append)


# --- what comes back ---------------------------------------------------------------------------------------------


def test_a_reply(server, chat):
    server.replies = ["Because. 因为。"]
    reply = chat.complete(QUESTION, temperature=0, max_tokens=7)
    assert (reply.text, reply.tool_calls, reply.finish_reason) == ("Because. 因为。", [], "stop")
    assert reply.message == {"role": "assistant", "content": "Because. 因为。"}
    assert reply.usage == Usage(prompt_tokens=4, completion_tokens=3)
    sent = server.requests[0]
    assert sent.body == {"model": "tiny-chat", "messages": QUESTION, "temperature": 0, "max_tokens": 7}
    assert sent.path == "/v1/chat/completions"


CALLS = [
    {"name": "add", "arguments": {"a": 1, "b": 22}},
    {"name": "search", "arguments": {"query": "天气 in Paris", "k": 3}},
]


@pytest.mark.parametrize("streamed", [False, True])
def test_parallel_tool_calls(server, chat, streamed):
    server.replies = [{"content": "Let me see.", "tool_calls": CALLS}]
    tools = [{"type": "function", "function": {"name": "add", "parameters": {}}}]
    if streamed:
        with chat.stream(QUESTION, tools=tools) as stream:
            assert "".join(stream) == "Let me see."
        reply = stream.reply
        assert reply is not None
    else:
        reply = chat.complete(QUESTION, tools=tools)
    assert [call.name for call in reply.tool_calls] == ["add", "search"]
    assert [json.loads(call.arguments) for call in reply.tool_calls] == [call["arguments"] for call in CALLS]
    assert reply.tool_calls[0] == ToolCall("call_0", "add", '{"a": 1, "b": 22}')
    assert reply.finish_reason == "tool_calls"
    assert server.requests[0].body["tools"] == tools
    # the message goes back to the server as it is, followed by the results
    assert reply.message["tool_calls"][1]["function"]["name"] == "search"
    assert chat.complete([*QUESTION, reply.message, {"role": "tool", "tool_call_id": "call_0", "content": "23"}]).text


def test_a_stream(server, chat):
    text = "Line\u2028separator, 你好 🦙 and the rest."
    server.replies = [text]
    stream = chat.stream(QUESTION)
    pieces = list(stream)
    assert "".join(pieces) == text == stream.text
    assert len(pieces) > 5
    assert stream.reply is not None and stream.reply.finish_reason == "stop"
    assert stream.reply.usage == Usage(prompt_tokens=4, completion_tokens=7)
    assert server.requests[0].body["stream_options"] == {"include_usage": True}


def test_closing_a_stream_hangs_up(server, chat):
    """The server notices: its writes fail long before the end of an answer of 20 MB."""
    server.replies = ["x" * 400_000]
    with chat.stream(QUESTION) as stream:
        assert next(stream) == "xxxx"
    assert list(stream) == []
    assert stream.reply is None and stream.text == "xxxx"
    assert server.hung_up.wait(10)


def test_embeddings_come_back_in_the_order_of_the_texts(server, chat):
    texts = ["a cat", "a dog", "猫"]
    server.faults = ["ok", "shuffled"]
    vectors = chat.embed(texts)
    assert vectors == chat.embed(texts)
    assert vectors == [chat.embed([text])[0] for text in texts]
    assert len(vectors[0]) == 64 and vectors[0] != vectors[1]
    assert server.requests[0].body == {"model": "tiny-embed", "input": texts, "encoding_format": "float"}


def test_no_texts_need_no_request(server, chat):
    assert chat.embed([]) == [] and server.requests == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [("missing", "vectors for 1 of 2 texts"), ("nan", "empty or not finite"), ("empty", "vectors for 0 of 2 texts")],
)
def test_wrong_embeddings_are_refused(server, chat, fault, words):
    server.faults = [fault]
    with pytest.raises(ChatError, match=words):
        chat.embed(["a", "b"])


def complete(chat):
    return chat.complete(QUESTION).text


def stream(chat):
    return list(chat.stream(QUESTION))


def embed(chat):
    return chat.embed(["x"])


WAYS = [complete, stream, embed]


# --- what is asked again -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["408", "409", "429", "500", "502", "503", "refuse"])
@pytest.mark.parametrize("ask", WAYS)
def test_passing_failures_are_asked_again(server, chat, waits, fault, ask):
    server.faults = [fault, fault]
    assert ask(chat)
    assert len(server.requests) == 3
    assert waits == [0.25, 0.5]  # half of the windows 0.5 and 1


@pytest.mark.parametrize("ask", [complete, embed])
def test_a_body_that_breaks_off_is_asked_again(server, chat, ask):
    server.faults = ["cut"]
    assert ask(chat)
    assert len(server.requests) == 2


def test_retries_end(server, chat, waits):
    server.faults = ["500"] * 9
    with pytest.raises(ChatError, match=r"refused with 500 \(asked for by the test\).*\(tried 5 times\)$") as caught:
        chat.complete(QUESTION)
    assert (caught.value.status, caught.value.passing) == (500, True)
    assert len(server.requests) == 5 and len(waits) == 4


@pytest.mark.parametrize(
    ("headers", "waited"),
    [({"retry-after": "7"}, 7.0), ({"retry-after-ms": "1500"}, 1.5), ({"retry-after": "3600"}, 60.0), ({}, 0.25)],
)
def test_retry_after_is_honoured(server, chat, waits, headers, waited):
    server.faults = [Fault("429", headers)]
    assert chat.complete(QUESTION).text == "echo: Why?"
    assert waits == [waited]


def test_a_wait_beyond_the_deadline_is_not_begun(server, waits):
    server.faults = [Fault("429", {"retry-after": "30"})]
    with pytest.raises(ChatError, match="429") as caught:
        Chat(server.settings, deadline=20, sleep=waits.append).complete(QUESTION)
    assert caught.value.wait_s == 30 and waits == [] and len(server.requests) == 1


@pytest.mark.parametrize("status", ["400", "401", "403", "404", "422"])
def test_other_refusals_are_final(server, chat, waits, status):
    server.faults = [status]
    with pytest.raises(ChatError, match=f"refused with {status}"):
        chat.complete(QUESTION)
    assert len(server.requests) == 1 and waits == []


def test_an_empty_account_is_final(server, chat):
    """It comes as a 429, but waiting fills no account."""
    server.faults = [Fault("429", code="insufficient_quota")]
    with pytest.raises(ChatError, match="429"):
        chat.complete(QUESTION)
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", ["stall", "pause"])
def test_silence_ends_by_the_timeout(server, hasty, fault):
    server.faults = [fault, fault]
    with pytest.raises(ChatError, match=r"was silent for 0\.3 s.*\(tried 2 times\)"):
        hasty.complete(QUESTION)
    server.faults = [fault]
    assert hasty.complete(QUESTION).text == "echo: Why?"


def test_a_trickle_ends_by_the_deadline(server, waits):
    """Each byte is in time, so no timeout helps."""
    server.faults = ["trickle"]
    chat = Chat(server.settings, timeout=5, deadline=0.3, sleep=waits.append)
    with pytest.raises(ChatError, match=r"did not finish within 0\.3 s"):
        chat.complete(QUESTION)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("cut", "broke off in the middle"),
        ("short", "ended before the answer did"),
        ("pause", "was silent for"),
        ("error", "the model crashed"),
    ],
)
def test_a_stream_that_breaks_off_says_so_and_keeps_its_text(server, hasty, fault, words):
    server.replies = ["One two three four five."]
    server.faults = [fault]
    stream, pieces = hasty.stream(QUESTION), []
    with pytest.raises(ChatError, match=words) as caught:
        for piece in stream:
            pieces.append(piece)
    assert caught.value.partial == stream.text == "".join(pieces)
    assert "One" in stream.text and "five" not in stream.text
    assert stream.reply is None
    assert len(server.requests) == 1  # never asked again after the first token


# --- what is said ------------------------------------------------------------------------------------------------


def test_nothing_configured(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"):
        monkeypatch.delenv(name, raising=False)
    assert not Settings.from_env().configured
    with pytest.raises(ChatError, match=r"set OPENAI_API_KEY .* OPENAI_BASE_URL .* OPENAI_MODEL") as caught:
        Chat().complete(QUESTION)
    assert "http" not in str(caught.value)


def test_settings_come_from_the_environment(monkeypatch, server):
    values = {
        "API_KEY": f" {KEY}\n",
        "BASE_URL": server.base_url,
        "MODEL": "tiny-chat",
        "EMBEDDING_MODEL": "tiny-embed",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"OPENAI_{name}", value)
    assert Settings.from_env() == Settings(KEY, server.base_url, "tiny-chat", "tiny-embed")
    assert Settings.from_env().configured
    assert Chat().complete(QUESTION).text == "echo: Why?"
    assert server.requests[0].headers["Authorization"] == f"Bearer {KEY}"


def test_a_local_server_needs_no_key(server):
    settings = Settings(base_url=server.base_url, model="tiny-chat")
    assert settings.configured
    assert Chat(settings).complete(QUESTION).text == "echo: Why?"


@pytest.mark.parametrize(
    ("call", "variable"),
    [
        (lambda chat: chat.complete(QUESTION), "OPENAI_MODEL"),
        (lambda chat: chat.embed(["x"]), "OPENAI_EMBEDDING_MODEL"),
    ],
)
def test_no_model_is_named(server, call, variable):
    with pytest.raises(ChatError, match=f"set {variable} to one"):
        call(Chat(Settings(base_url=server.base_url)))


def test_the_model_can_be_named_by_the_call(server):
    chat = Chat(Settings(base_url=server.base_url))
    assert chat.complete(QUESTION, model="tiny-chat").text
    assert chat.embed(["x"], model="tiny-embed")
    assert [request.body["model"] for request in server.requests] == ["tiny-chat", "tiny-embed"]


def test_an_unknown_model(server, chat):
    with pytest.raises(ChatError, match=r"404 \(The model 'gpt-9' does not exist\); check OPENAI_MODEL") as caught:
        chat.complete(QUESTION, model="gpt-9")
    assert caught.value.status == 404


def test_nobody_answers(waits):
    with socket.create_server(("127.0.0.1", 0)) as closed_soon:
        port = closed_soon.getsockname()[1]
    chat = Chat(Settings(base_url=f"http://127.0.0.1:{port}/v1", model="m"), sleep=waits.append)
    with pytest.raises(
        ChatError, match=rf"^127\.0\.0\.1:{port} does not answer \(.*\); start it, or correct OPENAI_BASE"
    ):
        chat.complete(QUESTION)
    assert len(waits) == 4


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("html", "answered with a web page; check OPENAI_BASE_URL"),
        ("garbage", r"no JSON object \(upstream said no\)|no event of a stream"),
        ("empty", "without a choice|no event of a stream"),
        ("error", "the model crashed"),
    ],
)
@pytest.mark.parametrize("ask", [complete, stream])
def test_answers_that_are_none(server, chat, waits, fault, words, ask):
    server.faults = [fault]
    with pytest.raises(ChatError, match=words):
        ask(chat)
    assert waits == []


@pytest.mark.parametrize("body", [{"choices": [5]}, {"choices": [{"message": {"content": [1]}}]}, {"nothing": 1}])
def test_an_unknown_form_is_shown(server, chat, monkeypatch, body):
    monkeypatch.setattr("tiny_shared.testing.formats.completion", lambda request, reply: body)
    with pytest.raises(ChatError, match="unknown form") as caught:
        chat.complete(QUESTION)
    assert str(next(iter(body))) in str(caught.value)


@pytest.mark.parametrize(
    "url", ["localhost:8000/v1", "ftp://x", "http://", "http://host:port/v1", "http://[::1/v1", "http://u:pass-word@h"]
)
def test_a_wrong_address(url):
    """A password in it would go into the logs of the HTTP library, and its header would replace the key's."""
    settings = Settings(base_url=url, model="m")
    with pytest.raises(ChatError, match="OPENAI_BASE_URL must look like http") as caught:
        Chat(settings).complete(QUESTION)
    assert "pass-word" not in everything_said(caught.value) + repr(settings)


def test_the_client_is_not_installed(server, monkeypatch):
    monkeypatch.setitem(sys.modules, "openai", None)  # import openai raises
    with pytest.raises(ChatError, match="openai package is missing; run: python -m pip install"):
        Chat(server.settings).complete(QUESTION)


def test_a_mistake_in_the_call_is_not_the_servers(chat):
    with pytest.raises(TypeError, match="temprature"):
        chat.complete(QUESTION, temprature=0)


def test_a_long_complaint_is_cut(server, chat):
    server.models = ["tiny-chat"]
    with pytest.raises(ChatError) as caught:
        chat.complete(QUESTION, model="m" * 5_000)
    assert len(str(caught.value)) < 400 and "check OPENAI_MODEL" in str(caught.value)


# --- what is never shown -----------------------------------------------------------------------------------------


def everything_said(error):
    """An error with all that hangs on it: its text, its repr, its causes and contexts."""
    said = []
    while error is not None:
        said += [str(error), repr(error), repr(vars(error))]
        error = error.__cause__ or error.__context__
    return " ".join(said)


@pytest.mark.parametrize("fault", ["ok", "401", "500", "html", "refuse", "garbage", "cut"])
@pytest.mark.parametrize("ask", WAYS)
def test_the_key_is_never_shown(server, waits, caplog, fault, ask):
    caplog.set_level(logging.DEBUG)
    server.api_key = "another-key"  # so that `ok` is a 401 whose body quotes the key we sent
    server.faults = [fault] * 5
    chat = Chat(Settings(KEY, server.base_url, "tiny-chat", "tiny-embed"), sleep=waits.append)
    with pytest.raises(ChatError) as caught:
        ask(chat)
    shown = everything_said(caught.value) + caplog.text + repr(chat) + repr(chat.settings)
    assert KEY not in shown
    if fault == "ok":
        assert "***" in str(caught.value)


@pytest.mark.parametrize("start", range(150, 215, 7))
def test_no_half_of_a_key_survives_the_cut(server, start):
    """The complaint is cut to 200 characters, and the key may stand across the cut."""
    server.api_key = KEY
    with pytest.raises(ChatError) as caught:
        Chat(server.settings).complete(QUESTION, model="m" * start + KEY)
    assert KEY[:6] not in str(caught.value)


@pytest.mark.parametrize("key", ["sk-secret\nX-Header: 1", "sk-sécret", "sk-secret\x00"])
def test_a_key_that_no_header_can_carry(server, key):
    with pytest.raises(ChatError, match="OPENAI_API_KEY holds a character") as caught:
        Chat(Settings(key, server.base_url, "m")).complete(QUESTION)
    assert "cret" not in everything_said(caught.value)


def test_loopback_does_not_go_through_the_proxy(server, monkeypatch):
    with FakeServer() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        assert Chat(server.settings).complete(QUESTION).text == "echo: Why?"
        assert proxy.requests == []
        # the witness: another host does go there
        with pytest.raises(ChatError):
            Chat(Settings(base_url="http://model.invalid/v1", model="m"), retries=0).complete(QUESTION)
        assert len(proxy.requests) == 1


def test_threads_share_a_chat(server, chat):
    texts = [f"question {number}" for number in range(16)]
    replies = {}

    def ask(text):
        replies[text] = chat.complete([{"role": "user", "content": text}]).text

    threads = [threading.Thread(target=ask, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert replies == {text: f"echo: {text}" for text in texts}
