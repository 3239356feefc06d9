"""The HTTP of FakeServer: reads a request, has it answered, and sends the answer with the faults of the connection.

The other faults, which lie in the content of an answer, are made in server.py.
"""

import json
import socketserver
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tiny_shared.testing.server import FakeServer

Json = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """What a client sent. Headers are looked up without regard to case; `body` is {} if there was none."""

    method: str
    path: str
    headers: Message
    body: Json


@dataclass
class Answer:
    """What goes out: one body, or the events of a stream (`streamed`), which are sent one by one."""

    status: int
    pieces: list[bytes]
    headers: dict[str, str]
    streamed: bool = False


class HTTPServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, fake: "FakeServer"):
        self.fake = fake
        super().__init__(("127.0.0.1", 0), Handler)

    def server_bind(self) -> None:
        """Without the base class's look-up of our own host name, which takes seconds on some machines."""
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, request: object, client_address: object) -> None:
        """Only the connection can fail here: the client has left, which is part of many tests."""
        self.fake.hung_up.set()


class Handler(BaseHTTPRequestHandler):
    server: HTTPServer
    protocol_version = "HTTP/1.1"  # as real servers: connections are kept, streams are chunked
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve({})

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._serve(json.loads(data or b"{}"))

    def _serve(self, body: Json) -> None:
        fake = self.server.fake
        request = Request(self.command, self.path, self.headers, body)
        kind = "ok"
        try:
            fault = fake.take_fault(request)
            kind = fault.kind
            if kind == "stall":
                fake.closing.wait()
            if kind in ("stall", "refuse"):
                self.close_connection = True
                return
            answer = fake.answer(request, fault)
        except Exception as error:  # a mistake of the test: FakeServer raises it at its end
            fake.errors.append(error)
            answer = Answer(500, [repr(error).encode()], {"Content-Type": "text/plain"})
        self._send(answer, kind)

    def _send(self, answer: Answer, fault: str) -> None:
        self.send_response(answer.status, HTTPStatus(answer.status).phrase)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        pieces = answer.pieces
        if fault in ("cut", "short", "pause"):
            pieces = pieces[: len(pieces) // 2] if answer.streamed else [pieces[0][: len(pieces[0]) // 2]]
        if fault == "trickle":
            pieces = [bytes([byte]) for byte in b"".join(pieces)]
        if answer.streamed:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(sum(map(len, pieces if fault == "short" else answer.pieces))))
        self.end_headers()
        for piece in pieces:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if answer.streamed else piece)
            if fault == "trickle":
                self.server.fake.closing.wait(0.05)
        if fault == "pause":
            self.server.fake.closing.wait()
        if fault in ("cut", "pause"):
            self.close_connection = True
        elif answer.streamed:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:
        """Tests read `server.requests`, nobody reads a log."""
