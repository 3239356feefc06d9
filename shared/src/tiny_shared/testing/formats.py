"""The bodies that an OpenAI-compatible server sends: completions, their streams, embeddings (OpenAI's API reference).

A reply is written by a test as a string, or as {"content": ..., "tool_calls": [{"name": ..., "arguments": {...}}]}; of
a text completion also with "logprobs".
"""

import base64
import hashlib
import json
import math
import re
import struct
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

Json = dict[str, Any]
PIECE = 4  # characters in one event of a stream: small, so that words and arguments are torn apart


def echo(request: Json) -> str:
    """The answer when a test scripts none."""
    if "prompt" in request:
        return f"echo: {request['prompt']}"
    return f"echo: {request['messages'][-1].get('content')}"


def message(reply: str | Json) -> Json:
    """A reply as the message of an assistant."""
    if isinstance(reply, str):
        return {"role": "assistant", "content": reply}
    built: Json = {"role": "assistant", "content": reply.get("content")}
    if calls := reply.get("tool_calls"):
        built["tool_calls"] = [_tool_call(call, number) for number, call in enumerate(calls)]
    return built


def _tool_call(call: Json, number: int) -> Json:
    arguments = call["arguments"]
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return {
        "id": call.get("id", f"call_{number}"),
        "type": "function",
        "function": {"name": call["name"], "arguments": text},
    }


def finish_reason(reply: str | Json) -> str:
    if isinstance(reply, str):
        return "stop"
    return str(reply.get("finish_reason") or ("tool_calls" if reply.get("tool_calls") else "stop"))


def usage(request: Json, reply: str | Json) -> Json:
    """Words and marks, counted the same way every time."""
    asked = _count(json.dumps(request.get("messages") or request.get("prompt") or "", ensure_ascii=False))
    answered = _count(reply if isinstance(reply, str) else json.dumps(reply, ensure_ascii=False))
    return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}


def _count(text: str) -> int:
    return len(_tokens(text))


def _tokens(text: str) -> list[str]:
    """Words, and every Chinese character by itself."""
    return re.findall(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+", text.lower())


def completion(request: Json, reply: str | Json) -> Json:
    """The body of /v1/chat/completions."""
    choice = {"index": 0, "message": message(reply), "finish_reason": finish_reason(reply)}
    return _envelope(request, "chat.completion", [choice], usage(request, reply))


def text_completion(request: Json, reply: str | Json) -> Json:
    """The body of /v1/completions, the older interface: a prompt in, text out."""
    logprobs = None if isinstance(reply, str) else reply.get("logprobs")
    text = message(reply)["content"]
    choice = {"index": 0, "text": text, "finish_reason": finish_reason(reply), "logprobs": logprobs}
    return _envelope(request, "text_completion", [choice], usage(request, reply))


def completion_events(request: Json, reply: str | Json) -> Iterator[Json]:
    """The events of a streamed chat completion: role, text, tool calls in interleaved pieces, end, usage if asked."""
    whole = message(reply)
    yield _chunk(request, {"role": "assistant", "content": ""})
    for piece in _pieces(whole["content"] or ""):
        yield _chunk(request, {"content": piece})
    for deltas in zip_longest(*(_call_deltas(n, call) for n, call in enumerate(whole.get("tool_calls", [])))):
        for delta in deltas:
            if delta:
                yield _chunk(request, {"tool_calls": [delta]})
    yield _chunk(request, {}, finish_reason(reply))
    if (request.get("stream_options") or {}).get("include_usage"):
        yield _envelope(request, "chat.completion.chunk", [], usage(request, reply))


def text_completion_events(request: Json, reply: str | Json) -> Iterator[Json]:
    for piece in _pieces(message(reply)["content"] or ""):
        yield _envelope(request, "text_completion", [{"index": 0, "text": piece, "finish_reason": None}])
    yield _envelope(request, "text_completion", [{"index": 0, "text": "", "finish_reason": finish_reason(reply)}])


def _call_deltas(index: int, call: Json) -> Iterator[Json]:
    function = call["function"]
    yield {
        "index": index,
        "id": call["id"],
        "type": "function",
        "function": {"name": function["name"], "arguments": ""},
    }
    for piece in _pieces(function["arguments"]):
        yield {"index": index, "function": {"arguments": piece}}


def _pieces(text: str) -> list[str]:
    return [text[start : start + PIECE] for start in range(0, len(text), PIECE)]


def _chunk(request: Json, delta: Json, finish: str | None = None) -> Json:
    return _envelope(request, "chat.completion.chunk", [{"index": 0, "delta": delta, "finish_reason": finish}])


def _envelope(request: Json, kind: str, choices: list[Json], usage: Json | None = None) -> Json:
    body: Json = {"id": "reply-0", "object": kind, "created": 0, "model": request["model"], "choices": choices}
    return body | {"usage": usage} if usage else body


def embeddings(request: Json) -> Json:
    """The body of /v1/embeddings; `encoding_format` base64 is what the openai client asks for unless told otherwise."""
    texts = [request["input"]] if isinstance(request["input"], str) else request["input"]
    size = request.get("dimensions", 64)
    rows: list[Json] = []
    for index, text in enumerate(texts):
        vector: list[float] | str = bag_of_words(text, size)
        if request.get("encoding_format") == "base64":
            vector = base64.b64encode(struct.pack(f"<{size}f", *vector)).decode()
        rows.append({"object": "embedding", "index": index, "embedding": vector})
    tokens = sum(map(_count, texts))
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "model": request["model"], "data": rows, "usage": usage}


def bag_of_words(text: str, size: int = 64) -> list[float]:
    """A unit vector that is the same on every machine: each word adds ±1 at a place chosen by its hash.

    Texts that share words are near each other, which is all that a test of retrieval needs (the hashing trick,
    Weinberger et al. 2009).
    """
    vector = [0.0] * size
    for word in [*_tokens(text), ""]:  # the empty word: no text has a zero vector
        digest = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")
        vector[(digest >> 1) % size] += 1.0 if digest & 1 else -1.0
    length = math.sqrt(sum(x * x for x in vector)) or 1.0
    return [x / length for x in vector]
