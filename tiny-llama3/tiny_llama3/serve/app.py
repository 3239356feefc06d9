"""The server: OpenAI's interface in front of the engine, and a page to chat on.

GET  /v1/models               which model is served
POST /v1/chat/completions     chats, streamed or not, with log-probabilities
POST /v1/completions          write on; `echo` with `logprobs` scores a given text
POST /v1/embeddings           the mean of the last layer's rows, of length 1
GET  /                        the chat page
"""

import asyncio
import base64
import hmac
import json
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fastapi import FastAPI
from fastapi import Request as Http
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse

from tiny_llama3 import chat_template
from tiny_llama3.generate import end_ids
from tiny_llama3.problem import Problem
from tiny_llama3.serve.engine import Busy, Engine, Likely
from tiny_llama3.serve.texts import Choice, Failed, Gone, Piece, begin
from tiny_llama3.serve.wire import ChatRequest, CompletionRequest, EmbeddingRequest, Refused, parsed
from tiny_llama3.tokenizer import Tokenizer

PAGE = Path(__file__).with_name("chat.html")
LARGEST_BODY = 4 << 20  # bytes
USUAL_COMPLETION = 16  # tokens, OpenAI's default for /v1/completions


def create_app(engine: Engine, tokenizer: Tokenizer, name: str, token: str | None = None) -> FastAPI:
    """`token`: who doesn't send it as a bearer gets nothing but the page and /health."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    server = Server(engine, tokenizer, name)

    def guarded(answer: Callable[[Http], Awaitable[Response]]) -> Callable[[Http], Awaitable[Response]]:
        async def wrapped(http: Http) -> Response:
            try:
                if token is not None and not hmac.compare_digest(_bearer(http).encode(), token.encode()):
                    raise Refused("the bearer token is missing or wrong", 401, "invalid_api_key")
                return await answer(http)
            except Refused as refused:
                return JSONResponse(refused.body(), refused.status)
            except Problem as problem:
                code = "context_length_exceeded" if "positions" in str(problem) else None
                return JSONResponse(Refused(str(problem), 400, code).body(), 400)
            except Busy:
                body = Refused(
                    "too many requests are waiting; try again in a moment", 429, "rate_limit_exceeded"
                ).body()
                return JSONResponse(body, 429, {"Retry-After": "1"})
            except Failed as failed:
                return JSONResponse(Refused(f"the model couldn't compute ({failed})", 500).body(), 500)
            except Gone:
                return Response(status_code=499)

        wrapped.__name__ = answer.__name__
        return wrapped

    app.get("/", response_class=HTMLResponse, response_model=None)(_page)
    app.get("/health", response_model=None)(_health)
    app.get("/v1/models", response_model=None)(guarded(server.models))
    app.get("/v1/models/{model:path}", response_model=None)(guarded(server.models))
    app.post("/v1/chat/completions", response_model=None)(guarded(server.chat))
    app.post("/v1/completions", response_model=None)(guarded(server.complete))
    app.post("/v1/embeddings", response_model=None)(guarded(server.embed))
    return app


def _bearer(http: Http) -> str:
    kind, _, given = http.headers.get("authorization", "").partition(" ")
    return given.strip() if kind.lower() == "bearer" else ""


async def _page() -> HTMLResponse:
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:"
    )
    return HTMLResponse(PAGE.read_text(encoding="utf-8"), headers={"Content-Security-Policy": policy})


async def _health() -> dict[str, str]:
    return {"status": "ok"}


async def _body(http: Http) -> bytes:
    data = b""
    async for piece in http.stream():
        data += piece
        if len(data) > LARGEST_BODY:
            raise Refused(f"the request is larger than {LARGEST_BODY:,} bytes", 413)
    return data


class Server:
    """What each address answers."""

    def __init__(self, engine: Engine, tokenizer: Tokenizer, name: str) -> None:
        self.engine, self.tokenizer, self.name = engine, tokenizer, name
        self.started = int(time.time())
        known = (tokenizer.eos_id, tokenizer.eot_id, tokenizer.bos_id)
        self.ends = end_ids(engine.model) | {id for id in known if id is not None}

    async def models(self, http: Http) -> Response:
        about = {"id": self.name, "object": "model", "created": self.started, "owned_by": "tiny-llama3"}
        asked = http.path_params.get("model")
        if asked is None:
            return JSONResponse({"object": "list", "data": [about]})
        self._check_name(asked)
        return JSONResponse(about)

    # ---- chats ----

    async def chat(self, http: Http) -> Response:
        asked: ChatRequest = parsed(ChatRequest, await _body(http))
        self._check_name(asked.model)
        if not chat_template.knows_chats(self.tokenizer):
            raise Refused("this model knows no chats; use /v1/completions")
        messages = [message.plain() for message in asked.messages]
        ids = chat_template.prompt_ids(self.tokenizer, messages)
        ends = self.ends | {chat_template.turn_end_id(self.tokenizer)}
        top = (asked.top_logprobs or 0) if asked.logprobs else None
        choices = [self._choice(number, ids, asked, asked.most_tokens, ends, top) for number in range(asked.n)]
        about = self._about("chat.completion")
        if not asked.stream:
            await self._wait(choices, http)
            rows = [{"index": choice.index, "message": {"role": "assistant", "content": choice.text, "refusal": None},
                     "logprobs": self._chat_logprobs(choice.tokens) if asked.logprobs else None,
                     "finish_reason": choice.finish} for choice in choices]  # fmt: skip
            return JSONResponse(about | {"choices": rows, "usage": self._usage(choices, len(ids))})
        about["object"] = "chat.completion.chunk"

        def row(piece: Piece) -> dict[str, Any]:
            delta: dict[str, Any] = {"content": piece.text} if piece.text or piece.tokens else {}
            if piece.choice.index not in greeted:
                greeted.add(piece.choice.index)
                delta = {"role": "assistant"} | delta
            return {"index": piece.choice.index, "delta": delta,
                    "logprobs": self._chat_logprobs(piece.tokens) if asked.logprobs else None}  # fmt: skip

        greeted: set[int] = set()
        return self._stream(choices, about, row, len(ids), asked.wants_usage)

    def _chat_logprobs(self, tokens: list[tuple[int, Likely | None]]) -> dict[str, Any]:
        def told(id: int, logprob: float) -> dict[str, Any]:
            return {"token": self._text(id), "logprob": _finite(logprob), "bytes": list(self._bytes(id))}

        rows = [told(id, likely.logprob) | {"top_logprobs": [told(*pair) for pair in likely.top]}
                for id, likely in tokens if likely is not None]  # fmt: skip
        return {"content": rows, "refusal": None}

    # ---- completions ----

    async def complete(self, http: Http) -> Response:
        asked: CompletionRequest = parsed(CompletionRequest, await _body(http))
        self._check_name(asked.model)
        begin_ids = [] if self.tokenizer.bos_id is None else [self.tokenizer.bos_id]
        prompts = [begin_ids + (self.tokenizer.encode(prompt) if isinstance(prompt, str) else prompt)
                   for prompt in asked.prompts]  # fmt: skip
        most = USUAL_COMPLETION if asked.max_tokens is None else asked.max_tokens
        choices = [
            self._choice(number * asked.n + copy, ids, asked, most, self.ends, asked.logprobs, asked.echo, copy)
            for number, ids in enumerate(prompts)
            for copy in range(asked.n)
        ]
        about, read = self._about("text_completion"), sum(map(len, prompts))
        shown = {choice.index: choice.ids[len(begin_ids) :] if asked.echo else [] for choice in choices}
        if not asked.stream:
            await self._wait(choices, http)
            rows = [self._completion(choice, shown[choice.index], asked) for choice in choices]
            return JSONResponse(about | {"choices": rows, "usage": self._usage(choices, read)})

        def row(piece: Piece) -> dict[str, Any]:
            choice = piece.choice
            before = self.tokenizer.decode(shown[choice.index]) if asked.echo and choice.index not in begun else ""
            begun.add(choice.index)
            logprobs = None if asked.logprobs is None else self._logprobs(piece.tokens, 0)
            return {"index": choice.index, "text": before + piece.text, "logprobs": logprobs}

        begun: set[int] = set()
        return self._stream(choices, about, row, read, asked.wants_usage)

    def _completion(self, choice: Choice, shown: list[int], asked: CompletionRequest) -> dict[str, Any]:
        before = self.tokenizer.decode(shown)
        tokens = list(choice.tokens)
        if asked.echo and asked.logprobs is not None:  # what the engine says of a BOS is left out
            tokens = [*zip(shown, choice.prompt[len(choice.prompt) - len(shown) :], strict=True), *tokens]
        logprobs = None if asked.logprobs is None else self._logprobs(tokens, 0)
        return {"index": choice.index, "text": before + choice.text, "logprobs": logprobs,
                "finish_reason": choice.finish}  # fmt: skip

    def _logprobs(self, tokens: list[tuple[int, Likely | None]], offset: int) -> dict[str, Any]:
        """The older form, that of completions: four lists, as long as there are tokens."""
        texts = [self._text(id) for id, _ in tokens]
        offsets = []
        for text in texts:
            offsets.append(offset)
            offset += len(text)
        return {
            "tokens": texts,
            "token_logprobs": [None if likely is None else _finite(likely.logprob) for _, likely in tokens],
            "top_logprobs": [None if likely is None else {self._text(id): _finite(value) for id, value in likely.top}
                             for _, likely in tokens],
            "text_offset": offsets,
        }  # fmt: skip

    # ---- embeddings ----

    async def embed(self, http: Http) -> Response:
        asked: EmbeddingRequest = parsed(EmbeddingRequest, await _body(http))
        self._check_name(asked.model)
        rows, read = [], 0
        texts = [self.tokenizer.encode(text) if isinstance(text, str) else text for text in asked.texts]
        for ids in texts:
            self.engine.check(ids)
        for number, ids in enumerate(texts):
            vector = await asyncio.wrap_future(self.engine.run(lambda ids=ids: self._mean(ids)))  # type: ignore[misc]
            raw = base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")
            shown = raw if asked.encoding_format == "base64" else vector.tolist()
            rows.append({"object": "embedding", "index": number, "embedding": shown})
            read += len(ids)
        return JSONResponse({"object": "list", "data": rows, "model": self.name,
                             "usage": {"prompt_tokens": read, "total_tokens": read}})  # fmt: skip

    @torch.inference_mode()
    def _mean(self, ids: list[int]) -> np.ndarray:
        hidden_TD = self.engine.model.hidden(torch.tensor([ids]))[0].float()
        mean_D = hidden_TD.mean(0)
        return (mean_D / mean_D.norm().clamp(min=1e-12)).cpu().numpy()

    # ---- what they share ----

    def _check_name(self, name: str) -> None:
        """Another name than the served one is refused: a client that asked for it would take our answers for its."""
        if name not in ("", self.name):
            raise Refused(
                f"the model {name[:80]!r} isn't served here; {self.name!r} is", 404, "model_not_found", "model"
            )

    def _choice(self, index: int, ids: list[int], asked: Any, most: int | None, ends: frozenset[int], top: int | None,
                echo: bool = False, copy: int | None = None) -> Choice:  # fmt: skip
        self.engine.check(ids)
        room = self.engine.capacity - len(ids)
        number = index if copy is None else copy
        seed = None if asked.seed is None else asked.seed + number
        most = room if most is None else min(room, most)
        return Choice(index, ids, most, asked.sampling, seed, ends, asked.stops, top, echo and top is not None)

    async def _wait(self, choices: list[Choice], http: Http) -> None:
        async for _ in begin(self.engine, self.tokenizer, choices, http.is_disconnected):
            pass

    def _stream(self, choices: list[Choice], about: dict[str, Any], row: Callable[[Piece], dict[str, Any]], read: int,
                wants_usage: bool) -> Response:  # fmt: skip
        pieces = begin(self.engine, self.tokenizer, choices)

        async def events() -> AsyncIterator[str]:
            try:
                async for piece in pieces:
                    made = row(piece) | {"finish_reason": piece.choice.finish}
                    yield _event(about | {"choices": [made]})
                if wants_usage:
                    yield _event(about | {"choices": [], "usage": self._usage(choices, read)})
            except Failed as failed:
                yield _event(Refused(f"the model couldn't compute ({failed})", 500).body())
            yield "data: [DONE]\n\n"

        return StreamingResponse(events(), media_type="text/event-stream", headers={"Cache-Control": "no-cache"})

    def _about(self, kind: str) -> dict[str, Any]:
        prefix = "chatcmpl" if kind.startswith("chat") else "cmpl"
        return {"id": f"{prefix}-{uuid.uuid4().hex}", "object": kind, "created": int(time.time()), "model": self.name}

    def _usage(self, choices: list[Choice], read: int) -> dict[str, int]:
        written = sum(len(choice.tokens) for choice in choices)
        return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}

    def _bytes(self, id: int) -> bytes:
        return self.tokenizer.token_bytes(id) if id < len(self.tokenizer) else b"\xef\xbf\xbd"

    def _text(self, id: int) -> str:
        return self._bytes(id).decode("utf-8", "replace")


def _finite(logprob: float) -> float:
    return max(logprob, -9999.0)  # JSON has no infinity; OpenAI's own way out


def _event(content: dict[str, Any]) -> str:
    return f"data: {json.dumps(content, ensure_ascii=False)}\n\n"
