"""An OpenAI-compatible server on this machine, for tests: scripted answers, and every misfortune on demand.

Beside it, what the tests of every track hold: `readme` and `figures` (documents say what is so) and `benchmarks`.

    with FakeServer() as server:
        server.replies = ["Hello.", {"tool_calls": [{"name": "add", "arguments": {"a": 1, "b": 2}}]}]
        server.faults = ["429", "cut"]           # the first request is refused, the answer to the second breaks off
        chat = Chat(server.settings)
        ...
        assert server.requests[0].body["messages"] == [...]

Served: /v1/models, /v1/chat/completions and /v1/completions (JSON or stream, parallel tool calls), /v1/embeddings, and
the bytes in `server.files` under /files/NAME with ETag and Range. It listens on 127.0.0.1 at a port that is free.
"""

from tiny_shared.testing.server import FakeServer, Fault
from tiny_shared.testing.wire import Request

__all__ = ["FakeServer", "Fault", "Request"]
