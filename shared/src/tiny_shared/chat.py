"""Chat, streaming and embeddings from any OpenAI-compatible server: a model of ours, Ollama, vLLM, a vendor's.

reply = Chat().complete([{"role": "user", "content": "Why is the sky blue?"}], max_tokens=100)

with Chat().stream(messages) as stream:
    for piece in stream:
        print(piece, end="", flush=True)
print(stream.reply.usage)
"""

import math
import random
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from tiny_shared.endpoint import ChatError, Endpoint, Json, Settings

__all__ = ["Chat", "ChatError", "Reply", "Settings", "Stream", "ToolCall", "Usage"]


@dataclass(frozen=True)
class Usage:
    """Tokens as the server counted them; both 0 if it does not say."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True)
class ToolCall:
    """The model wants a function called. `arguments` is JSON as the model wrote it, which may be invalid."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Reply:
    """One answer."""

    text: str
    tool_calls: list[ToolCall]
    finish_reason: str
    usage: Usage

    @property
    def message(self) -> Json:
        """The answer in the form that goes back into `messages` for the next turn."""
        message: Json = {"role": "assistant", "content": self.text}
        if self.tool_calls:
            message["tool_calls"] = [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in self.tool_calls
            ]
        return message


class Chat:
    """One server; threads may share it.

    `timeout` is the longest silence of the server in seconds; `deadline` bounds a whole call, with its retries, their
    waits and the reading of the answer (one more `timeout` at worst). `retries` counts the repetitions after the first
    attempt, for 408, 409, 429, 5xx, timeouts and broken connections. Tests replace `sleep` and `draw`.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        timeout: float = 60.0,
        retries: int = 4,
        deadline: float = 600.0,
        sleep: Callable[[float], None] = time.sleep,
        draw: Callable[[], float] = random.random,
    ):
        self.settings = settings or Settings.from_env()
        self._endpoint = Endpoint(self.settings, timeout, retries, deadline, sleep, draw)

    def complete(self, messages: Sequence[Json], **options: Any) -> Reply:
        """The whole answer. `options` go to the server: temperature, max_tokens, tools, extra_body..."""
        request = self._request("OPENAI_MODEL", {"model": self.settings.model, "messages": list(messages), **options})
        body = self._endpoint.ask("chat.completions", request)
        answer = _Answer()
        with self._endpoint.reading(body):
            if not body["choices"]:
                raise self._endpoint.error("answered without a choice; ask again, or look at the server's log")
            answer.add(body)
        return answer.reply()

    def stream(self, messages: Sequence[Json], **options: Any) -> "Stream":
        """The answer piece by piece. It is asked again only while nothing has arrived yet."""
        options = {"stream_options": {"include_usage": True}, **options, "stream": True}
        request = self._request("OPENAI_MODEL", {"model": self.settings.model, "messages": list(messages), **options})

        def start(give_up: float) -> tuple[Json, Generator[Json, None, None]]:
            events = self._endpoint.events("chat.completions", request, give_up)
            for first in events:
                return first, events
            raise self._endpoint.error("sent no event of a stream; does it support streaming? use complete")

        return Stream(self._endpoint, *self._endpoint.persist(start))

    def embed(self, texts: Sequence[str], model: str | None = None) -> list[list[float]]:
        """One vector for each text, in the order of the texts, in one request: the caller knows the server's limits."""
        if not texts:
            return []
        model = model or self.settings.embedding_model
        # float: the client's own choice, base64, is unknown to many compatible servers
        wish = {"model": model, "input": list(texts), "encoding_format": "float"}
        request = self._request("OPENAI_EMBEDDING_MODEL", wish)
        body = self._endpoint.ask("embeddings", request)
        with self._endpoint.reading(body):
            rows = {row.get("index", position): row["embedding"] for position, row in enumerate(body["data"])}
            if set(rows) != set(range(len(texts))):
                raise self._endpoint.error(
                    f"returned vectors for {len(rows)} of {len(texts)} texts; send fewer at once"
                )
            vectors: list[list[float]] = [rows[position] for position in range(len(texts))]
            if not all(vector and all(map(math.isfinite, vector)) for vector in vectors):
                raise self._endpoint.error("returned a vector that is empty or not finite; look for an empty text")
        return vectors

    def _request(self, variable: str, request: Json) -> Json:
        if not self.settings.configured:
            raise ChatError(
                "no chat model is configured; set OPENAI_API_KEY and, unless the server is the client's default, "
                "OPENAI_BASE_URL (a local server needs only the URL), then OPENAI_MODEL"
            )
        if not request["model"]:
            raise self._endpoint.error(f"needs the name of a model; set {variable} to one that it serves")
        return request


class Stream(Iterator[str]):
    """The pieces of an answer as they come. `text` is what has come so far; `reply` is there once it has ended.

    If the server breaks off, ChatError carries the text so far as `partial`. Closing the stream hangs up.
    """

    def __init__(self, endpoint: Endpoint, first: Json, events: Generator[Json, None, None]):
        self.reply: Reply | None = None
        self._endpoint, self._events, self._answer = endpoint, events, _Answer()
        self._texts = self._read(chain([first], events))

    @property
    def text(self) -> str:
        return self._answer.text

    def _read(self, events: Iterable[Json]) -> Generator[str, None, None]:
        try:
            for event in events:
                with self._endpoint.reading(event):
                    piece = self._answer.add(event)
                if piece:
                    yield piece
            if not self._answer.finish_reason:  # a cut connection can look like a polite end
                raise self._endpoint.error("ended before the answer did (no finish_reason); try again", passing=True)
        except ChatError as error:
            error.partial = self.text
            raise
        self.reply = self._answer.reply()

    def __next__(self) -> str:
        return next(self._texts)

    def close(self) -> None:
        self._texts.close()
        self._events.close()

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class _Answer:
    """Puts an answer together from the deltas of a stream; a whole message is one large delta."""

    def __init__(self) -> None:
        self.text, self.finish_reason, self.usage = "", "", Usage()
        self.calls: dict[int, dict[str, str]] = {}

    def add(self, event: Json) -> str:
        """Take in one event and return its text."""
        if usage := event.get("usage"):
            self.usage = Usage(usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0)
        text = ""
        for choice in (event.get("choices") or [])[:1]:  # the last event of a stream has usage and no choice
            delta = choice.get("delta") or choice.get("message") or {}
            text += delta.get("content") or ""
            self.finish_reason = choice.get("finish_reason") or self.finish_reason
            for position, piece in enumerate(delta.get("tool_calls") or []):
                call = self.calls.setdefault(piece.get("index", position), {"id": "", "name": "", "arguments": ""})
                function = piece.get("function") or {}
                call["id"] = call["id"] or piece.get("id") or ""
                call["name"] = call["name"] or function.get("name") or ""
                call["arguments"] += function.get("arguments") or ""
        self.text += text
        return text

    def reply(self) -> Reply:
        calls = [ToolCall(**call) for _, call in sorted(self.calls.items())]
        return Reply(self.text, calls, self.finish_reason, self.usage)
