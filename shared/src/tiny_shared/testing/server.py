"""FakeServer: what it answers, what goes wrong, and the record of what was asked.

The bodies of the answers are in formats.py, the HTTP in wire.py.
"""

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from tiny_shared.endpoint import Settings
from tiny_shared.testing import formats
from tiny_shared.testing.wire import Answer, HTTPServer, Json, Request

Reply = str | Json
KINDS = "ok refuse stall cut pause short trickle html garbage error empty ignore-range shuffled missing nan".split()


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request. In `server.faults` the bare kind stands for a Fault without headers.

    ok        nothing: lets one request of the queue pass
    429       any status of three digits, with `headers` such as {"retry-after": "2"}, `code` as "insufficient_quota"
    refuse    the connection is closed without a byte        stall    no byte comes, the connection stays open
    cut       closed in the middle of the answer             pause    silence from the middle of the answer on
    short     half of the answer, ended as if it were whole  trickle  a byte now and then, for ever
    html      a web page with status 200                     garbage  text that is no JSON, with status 200
    error     an error object with status 200, in a stream after its first half
    empty     an answer without choices or vectors           ignore-range  the whole file although a part was asked
    shuffled, missing, nan    vectors out of order, one too few, one with NaN in it
    """

    kind: str
    headers: Mapping[str, str] = field(default_factory=dict)
    code: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS and not re.fullmatch(r"[1-5]\d\d", self.kind):
            raise ValueError(f"a fault is a status or one of {', '.join(KINDS)} (got {self.kind!r})")


class FakeServer:
    """The server; see the package's docstring for an example and Fault for what can go wrong.

    replies    what the model says, used up one a request; or a function from the request to the reply;
               when the list is empty the last message is echoed
    faults     what goes wrong, used up one a request
    models     the names it serves; another one is a 404
    api_key    if set, a request without it is a 401, whose body shows the key that was sent, as some vendors do
    files      name -> bytes, served under /files/
    requests   everything that was asked, in order
    hung_up    an event: a client has left before the end of its answer
    """

    def __init__(self, models: Iterable[str] = ("tiny-chat", "tiny-embed")):
        self.replies: list[Reply] | Callable[[Json], Reply] = []
        self.faults: list[str | Fault] = []
        self.models = list(models)
        self.api_key = ""
        self.files: dict[str, bytes] = {}
        self.requests: list[Request] = []
        self.closing = threading.Event()
        self.hung_up = threading.Event()
        self.errors: list[Exception] = []
        self._lock = threading.Lock()
        self._http = HTTPServer(self)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    @property
    def settings(self) -> Settings:
        """What a Chat needs to talk to this server."""
        return Settings(self.api_key, self.base_url, self.models[0], self.models[-1])

    def __enter__(self) -> "FakeServer":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        self.closing.set()  # wakes the stalled
        self._http.shutdown()
        self._http.server_close()
        if self.errors and kind is None:  # a mistake in the test's own reply function must not pass as a 500
            raise self.errors[0]

    def take_fault(self, request: Request) -> Fault:
        """Record a request and say what is to go wrong with it."""
        with self._lock:
            self.requests.append(request)
            fault = self.faults.pop(0) if self.faults else "ok"
        return Fault(fault) if isinstance(fault, str) else fault

    def take_reply(self, request: Json) -> Reply:
        if callable(self.replies):
            return self.replies(request)
        with self._lock:
            return self.replies.pop(0) if self.replies else formats.echo(request)

    def answer(self, request: Request, fault: Fault) -> Answer:
        """The whole answer to a request, with the faults that lie in its content."""
        if fault.kind.isdigit():
            return _json(_error("asked for by the test", fault.code), int(fault.kind), fault.headers)
        if request.path.startswith("/files/"):
            return self._file(request, fault)
        if self.api_key and request.headers["Authorization"] != f"Bearer {self.api_key}":
            return _refusal(401, f"Incorrect API key provided: {request.headers['Authorization']}")
        if fault.kind == "html":
            return Answer(200, [b"<html><title>Welcome</title></html>"], {"Content-Type": "text/html"})
        if fault.kind == "garbage":
            return Answer(200, [b"upstream said no"], {"Content-Type": "application/json"})
        if request.path == "/v1/models":
            return _json({"object": "list", "data": [{"id": name, "object": "model"} for name in self.models]})
        if request.path not in ("/v1/chat/completions", "/v1/completions", "/v1/embeddings"):
            return _refusal(404, f"no such address: {request.path}")
        if request.body.get("model") not in self.models:
            return _refusal(404, f"The model {request.body.get('model')!r} does not exist")
        if request.path == "/v1/embeddings":
            return _json(_spoiled(formats.embeddings(request.body), fault.kind))
        return self._completion(request, fault)

    def _completion(self, request: Request, fault: Fault) -> Answer:
        reply = self.take_reply(request.body)
        chat = request.path == "/v1/chat/completions"
        if not request.body.get("stream"):
            whole = formats.completion if chat else formats.text_completion
            return _json(_spoiled(whole(request.body, reply), fault.kind))
        parts = formats.completion_events if chat else formats.text_completion_events
        events: list[Any] = list(parts(request.body, reply))
        if fault.kind == "error":
            events = [*events[: len(events) // 2], _error("the model crashed")]
        if fault.kind == "empty":
            events = []
        lines = [f"data: {json.dumps(event, ensure_ascii=False)}\n\n".encode() for event in events]
        return Answer(200, [*lines, b"data: [DONE]\n\n"], {"Content-Type": "text/event-stream"}, streamed=True)

    def _file(self, request: Request, fault: Fault) -> Answer:
        """RFC 9110, section 14: a range is served only if the client's version, If-Range, is still the current one."""
        data = self.files.get(unquote(request.path.removeprefix("/files/")))
        if data is None:
            return _refusal(404, "no such file")
        etag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
        headers = {"Content-Type": "application/octet-stream", "ETag": etag, "Accept-Ranges": "bytes"}
        asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        if not asked or fault.kind == "ignore-range" or request.headers.get("If-Range", etag) != etag:
            return Answer(200, [data], {**headers, **fault.headers})
        start = int(asked[1])
        if start >= len(data):
            return Answer(416, [b""], {"Content-Range": f"bytes */{len(data)}"})
        headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        return Answer(206, [data[start:]], {**headers, **fault.headers})


def _json(body: Json, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    encoded = json.dumps(body, ensure_ascii=False).encode()
    return Answer(status, [encoded], {"Content-Type": "application/json", **(headers or {})})


def _error(message: str, code: str | None = None) -> Json:
    return {"error": {"message": message, "type": "fake", "code": code}}


def _refusal(status: int, message: str) -> Answer:
    return _json(_error(message), status)


def _spoiled(body: Json, kind: str) -> Json:
    """The body of an answer with the fault that lies in it."""
    match kind:
        case "error":
            return _error("the model crashed")
        case "empty":
            body["choices" if "choices" in body else "data"] = []
        case "shuffled":
            body["data"].reverse()
        case "missing":
            body["data"].pop()
        case "nan":
            body["data"][0]["embedding"][0] = float("nan")
    return body
