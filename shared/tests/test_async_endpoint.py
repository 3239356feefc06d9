"""AsyncEndpoint: many questions at once, what passes is asked again, every failure is a ChatError with advice."""

import asyncio
import time

import pytest
from tiny_shared.async_endpoint import AsyncEndpoint
from tiny_shared.endpoint import ChatError, Settings
from tiny_shared.testing import FakeServer
from tiny_shared.testing.server import Fault

WISH = {"model": "tiny-chat", "messages": [{"role": "user", "content": "hi"}]}


def ask(server, count=1, path="chat/completions", request=WISH, **options):
    settings = server if isinstance(server, Settings) else server.settings

    async def go():
        async with AsyncEndpoint(settings, **{"timeout": 5, "draw": lambda: 0.0, **options}) as endpoint:
            return await asyncio.gather(*(endpoint.ask(path, request) for _ in range(count)))

    return asyncio.run(go())


def test_many_are_asked_at_once():
    with FakeServer() as server:
        server.replies = lambda request: time.sleep(0.1) or "hello"  # type: ignore[func-returns-value]
        start = time.monotonic()
        found = ask(server, 40, at_once=40)
        assert time.monotonic() - start < 1.5  # one after the other would take 4 s
    assert [each["choices"][0]["message"]["content"] for each in found] == ["hello"] * 40


def test_completions_are_another_path():
    with FakeServer() as server:
        (found,) = ask(server, path="completions", request={"model": "tiny-chat", "prompt": "a"})
    assert found["choices"][0]["text"] == "echo: a"


def test_what_passes_is_asked_again_and_told():
    told = []
    with FakeServer() as server:
        server.faults = [Fault("429", {"retry-after-ms": "3"}), "500", "refuse", "cut"]
        ask(server, on_retry=lambda error, wait_s: told.append((error.status, wait_s)))
        assert len(server.requests) == 5
    assert told == [(429, 0.003), (500, 0.0), (None, 0.0), (None, 0.0)]


@pytest.mark.parametrize(("kind", "says", "passing", "asked"), [
    ("500", "refused with 500", True, 3),
    ("404", "check OPENAI_MODEL and OPENAI_BASE_URL", False, 1),
    ("401", "check OPENAI_API_KEY", False, 1),
    ("html", "answered with a web page", False, 1),
    ("garbage", "something that is no JSON object", False, 1),
    ("short", "something that is no JSON object", False, 1),
    ("error", "reported an error", False, 1),
    ("stall", "was silent for 0.2 s", True, 3),
    ("refuse", "does not answer", True, 3),
])  # fmt: skip
def test_what_does_not_pass(kind, says, passing, asked):
    with FakeServer() as server:
        server.faults = [kind] * 9
        with pytest.raises(ChatError, match=says) as caught:
            ask(server, retries=2, timeout=0.2)
        assert len(server.requests) == asked
    assert caught.value.passing == passing and not caught.value.unreachable
    assert ("(tried 3 times)" in str(caught.value)) == passing


def test_a_trickle_ends_with_the_deadline():
    with FakeServer() as server:
        server.faults = ["trickle"]
        start = time.monotonic()
        with pytest.raises(ChatError, match="did not finish within 0.4 s"):
            ask(server, deadline=0.4)
        assert time.monotonic() - start < 2


def test_nobody_there_is_unreachable():
    with FakeServer() as server:
        settings = server.settings
    with pytest.raises(ChatError, match="does not answer") as caught:
        ask(settings, retries=1)
    assert caught.value.unreachable


def test_the_key_is_in_no_error():
    with FakeServer() as server:
        server.api_key = "sk-right"
        with pytest.raises(ChatError) as caught:
            ask(Settings("sk-secret-key", server.base_url, "tiny-chat"))
    assert "sk-secret-key" not in str(caught.value) and "***" in str(caught.value)
    assert caught.value.__cause__ is None and caught.value.__context__ is None


@pytest.mark.parametrize("settings", [Settings("a\nb", "http://localhost"), Settings("a", "localhost:80")])
def test_settings_with_a_mistake_are_refused_before_anything_is_sent(settings):
    with pytest.raises(ChatError, match="OPENAI_"):
        ask(settings)
