"""One OpenAI-compatible server: a request whose every failure becomes a ChatError that says what to do next.

The `openai` client makes the requests, with its own retries off: one loop here decides what is worth asking again, and
how long one call may take in all. Answers are read as plain JSON, because compatible servers differ in the details.
"""

import json
import os
import re
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import Any, TypeVar

from tiny_shared import UserError
from tiny_shared.network import backoff, is_loopback, retry_after

T = TypeVar("T")
Json = dict[str, Any]

DEFAULT_URL = "https://api.openai.com/v1"  # what the client itself takes when it is told nothing
URL = re.compile(r"https?://((?:\[[\da-fA-F:.]+\]|[^/?#@:\[\]]+)(?::\d+)?)(?=[/?#]|$)")  # group 1 is host:port
CLIENT_MODULES = ("openai", "httpx", "httpx2")  # which of them breaks off in mid-answer depends on the client's version
ADVICE = {
    401: "check OPENAI_API_KEY",
    403: "check what OPENAI_API_KEY may do",
    404: "check OPENAI_MODEL and OPENAI_BASE_URL (most end in /v1)",
    429: "wait, or ask more slowly",
}


class ChatError(UserError):
    """A call that failed for good. `partial` is the text that a broken stream had already given.

    `status` is the HTTP status, if there was one; `passing` says that the same call may work later (rate limit, server
    down), and `wait_s` what the server asked to wait. `unreachable`: nobody listens at that address.
    """

    def __init__(self, message: str, status: int | None = None, passing: bool = False, wait_s: float | None = None):
        super().__init__(message)
        self.status, self.passing, self.wait_s = status, passing, wait_s
        self.partial, self.unreachable = "", False


@dataclass(frozen=True)
class Settings:
    """Where the server is and what it serves. The repr does not show the key."""

    api_key: str = field(default="", repr=False)
    base_url: str = field(default="", repr=False)  # a password in it is refused later, but may be there
    model: str = ""
    embedding_model: str = ""

    @classmethod
    def from_env(cls) -> "Settings":
        """OPENAI_API_KEY, OPENAI_BASE_URL, OPENAI_MODEL, OPENAI_EMBEDDING_MODEL; white space around them is dropped."""
        names = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL", "OPENAI_EMBEDDING_MODEL")
        return cls(*(os.environ.get(name, "").strip() for name in names))

    @property
    def configured(self) -> bool:
        """Whether there is someone to ask: a key, or the URL of a server that may need none."""
        return bool(self.api_key or self.base_url)


class Endpoint:
    """A server, and our patience with it; see `chat.Chat` for the numbers."""

    def __init__(
        self,
        settings: Settings,
        timeout: float,
        retries: int,
        deadline: float,
        sleep: Callable[[float], None],
        draw: Callable[[], float],
    ):
        self.settings, self.timeout, self.retries, self.deadline = settings, timeout, retries, deadline
        self._sleep, self._draw = sleep, draw

    def ask(self, name: str, request: Json) -> Json:
        """The JSON object that the endpoint `name` ("chat.completions", "embeddings") answers."""
        return self.persist(lambda give_up: self._parse(b"".join(self._pieces(name, request, give_up))))

    def events(self, name: str, request: Json, give_up: float) -> Generator[Json, None, None]:
        """One attempt at a stream: the JSON of each `data:` line. Closing the generator closes the connection."""
        rest = b""
        for piece in self._pieces(name, request, give_up):
            *lines, rest = (rest + piece).split(b"\n")  # b"\n" alone: U+2028 may stand inside a JSON string
            for line in lines:
                if line.startswith(b"data:") and (data := line[5:].strip()) != b"[DONE]":
                    yield self._parse(data)

    def persist(self, attempt: Callable[[float], T]) -> T:
        """Call `attempt(give_up)`, and again as long as its failure may pass and there is time before `give_up`."""
        give_up = time.monotonic() + self.deadline
        failures = 0
        while True:
            try:
                return attempt(give_up)
            except ChatError as error:
                wait_s = backoff(failures, self._draw) if error.wait_s is None else error.wait_s
                failures += 1
                if not error.passing or failures > self.retries or time.monotonic() + wait_s > give_up:
                    if failures > 1:
                        error.args = (f"{error} (tried {failures} times)",)
                    raise
            self._sleep(wait_s)

    def error(self, message: str, **facts: Any) -> ChatError:
        """The error `host:port message`."""
        url = URL.match(self.settings.base_url or DEFAULT_URL)
        return ChatError(f"{url[1] if url else 'the server'} {message}", **facts)

    def quote(self, words: object) -> str:
        """What the server or the client said, fit for an error: on one line, without the key, 200 characters."""
        text, key = str(words), self.settings.api_key
        if len(key) > 3:  # a shorter one is a local server's dummy
            text = text.replace(key, "***")  # before the cut, which could leave half a key
        text = " ".join(text.split())
        return text if len(text) <= 200 else f"{text[:199]}…"

    @contextmanager
    def reading(self, answer: Json) -> Iterator[None]:
        """Whatever a server answers in another shape than the documented one becomes a ChatError that shows it."""
        try:
            yield
        except (AttributeError, KeyError, TypeError, ValueError):
            raise self.error(f"answered in an unknown form ({self.quote(answer)}); is it compatible?") from None

    def _pieces(self, name: str, request: Json, give_up: float) -> Generator[bytes, None, None]:
        """One attempt: the bytes of the answer as they come."""
        create = attrgetter(name)(self._client).with_streaming_response.create
        silence_s = min(self.timeout, max(give_up - time.monotonic(), 0.001))
        answering = False
        try:
            with create(**request, timeout=silence_s) as response:
                answering = True
                if "html" in response.headers.get("content-type", ""):
                    raise self.error("answered with a web page; check OPENAI_BASE_URL (most end in /v1)")
                for piece in response.iter_bytes():
                    if time.monotonic() > give_up:  # a server that trickles is never silent
                        raise self.error(f"did not finish within {self.deadline:g} s; ask for less or raise `deadline`")
                    yield piece
            return
        except Exception as error:
            failure = self._explain(error, answering, silence_s)
            if failure is None:
                raise
        raise failure  # out here the client's exception, which may quote the key, is no longer attached

    def _explain(self, error: Exception, answering: bool, silence_s: float) -> ChatError | None:
        """The client's exception in our words; None if it is not the server's doing."""
        if type(error).__module__.partition(".")[0] not in CLIENT_MODULES:
            return None
        if hasattr(error, "status_code"):
            return self._refusal(error)
        if "Timeout" in type(error).__name__:
            message = f"was silent for {silence_s:.3g} s; is it overloaded? try again or raise `timeout`"
        elif answering:
            message = "broke off in the middle of its answer; try again"
        else:
            message = f"does not answer ({self.quote(error.__cause__ or error)}); start it, or correct OPENAI_BASE_URL"
        failure = self.error(message, passing=True)
        failure.unreachable = type(error.__cause__).__name__ == "ConnectError"
        return failure

    def _refusal(self, error: Any) -> ChatError:
        status, said = error.status_code, error.body
        if isinstance(said, dict):
            said = said.get("message") or said
        said = "a web page" if "<html" in str(said).lower() else self.quote(said)
        advice = ADVICE.get(status, "look at the server's log" if status >= 500 else "correct the request")
        # an exhausted account is a 429 as well, but no waiting fills it
        passing = (status in (408, 409, 429) or status >= 500) and error.code != "insufficient_quota"
        wait_s = retry_after(error.response.headers)
        return self.error(f"refused with {status} ({said}); {advice}", status=status, passing=passing, wait_s=wait_s)

    def _parse(self, data: bytes) -> Json:
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            text = self.quote(data.decode("utf-8", "replace"))
            raise self.error(f"answered with something that is no JSON object ({text}); check OPENAI_BASE_URL")
        if value.get("error"):  # some servers report a failure inside a 200
            raise self.error(f"reported an error ({self.quote(value['error'])}); look at the server's log")
        return value

    @cached_property
    def _client(self) -> Any:
        key, url = self.settings.api_key, self.settings.base_url or DEFAULT_URL
        if not (key.isascii() and key.isprintable()):  # the HTTP library would quote the whole key in its complaint
            raise ChatError("OPENAI_API_KEY holds a character that no key has (a line end?); copy it again")
        if not URL.match(url):
            raise ChatError("OPENAI_BASE_URL must look like http://localhost:8000/v1, without a password; correct it")
        try:
            import openai
        except ImportError:
            raise ChatError("the openai package is missing; run: python -m pip install 'openai>=1.60'") from None
        return openai.OpenAI(
            api_key=key or "none",  # a local server takes any; the client insists on one
            base_url=url,
            max_retries=0,
            http_client=openai.DefaultHttpxClient(trust_env=False) if is_loopback(url) else None,
        )
