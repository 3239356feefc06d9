"""A chat server that takes a fixed time for every answer and next to no processor: python latency_server.py PORT.

Each answer is the last number of the question. GET /stats tells the seconds from the first request to the last answer
and how many there were, and starts counting anew.
"""

import asyncio
import json
import re
import sys
import time

LATENCY_S = 0.1


class Stats:
    """Of one client's run."""

    def __init__(self) -> None:
        self.count, self.first, self.last = 0, 0.0, 0.0


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, stats: Stats) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length:\s*(\d+)", head)
            body = await reader.readexactly(int(length[1])) if length else b""
            if head.startswith(b"GET"):
                said: dict[str, object] = {"seconds": stats.last - stats.first, "count": stats.count}
                stats.__init__()  # type: ignore[misc]
            else:
                if not stats.count:
                    stats.first = time.perf_counter()
                stats.count += 1
                said = answer(json.loads(body))
                await asyncio.sleep(LATENCY_S)
                stats.last = time.perf_counter()
            data = json.dumps(said).encode()
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(data)
            writer.write(head + data)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


def answer(request: dict[str, object]) -> dict[str, object]:
    number = re.findall(rb"\d+", json.dumps(request.get("messages")).encode())[-1].decode()
    message = {"role": "assistant", "content": number}
    return {
        "id": "a", "object": "chat.completion", "created": 0, "model": request["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10},
    }  # fmt: skip


async def main(port: int) -> None:
    stats = Stats()
    server = await asyncio.start_server(lambda r, w: serve(r, w, stats), "127.0.0.1", port, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
