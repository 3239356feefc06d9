"""The guarded child: limits itself, then parses the files that its parent sends through the pipe.

Started by guard.py as `python -I worker.py`. A request is a line of JSON and the bytes of the file; the answer is
a line for each sign of progress, one for each document, and at the end {"done": true} or {"error": reason}.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if sys.platform != "win32":  # there the parent's clock is the only limit
    import resource

if TYPE_CHECKING:
    from tiny_rag.readers.document import Document

MEMORY = 1024 * 2**20  # bytes of address space


def parse(
    kind: str, data: bytes, tick: Callable[[], None], seconds: float, seconds_per_page: float
) -> Iterable[Document]:
    """Hand the bytes to the reader for `kind`; each brings its own heavy library, loaded when first needed."""
    if kind == "html":
        from tiny_rag.readers.from_html import read_html

        return [read_html(data)]
    if kind == "plain html":
        from tiny_rag.readers.plain_html import read_html_plainly

        return [read_html_plainly(data)]
    if kind in ("md", "plain md"):
        from tiny_rag.readers.from_markdown import read_markdown, read_markdown_plainly

        return [read_markdown(data) if kind == "md" else read_markdown_plainly(data)]
    if kind == "docx":
        from tiny_rag.readers.from_docx import read_docx

        return [read_docx(data)]
    if kind == "json":
        from tiny_rag.readers.from_json import read_json

        return read_json(data)
    from tiny_rag.readers.from_pdf import read_pdf

    return [read_pdf(data, kind, tick, seconds, seconds_per_page)]


def answer(request: dict[str, Any], data: bytes, replies: BinaryIO) -> None:
    """Parse one file and say what came of it, whatever the library may raise."""
    from tiny_rag.readers.document import ReadError, to_wire

    def send(reply: dict[str, object]) -> None:
        replies.write(json.dumps(reply, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
        replies.flush()

    try:
        limits = request["seconds"], request["seconds_per_page"]
        for document in parse(request["kind"], data, lambda: send({"tick": True}), *limits):
            send({"document": to_wire(document)})
        send({"done": True})
    except ReadError as error:
        send({"error": str(error)})
    except MemoryError:
        send({"error": f"needs more than {MEMORY >> 20} MB of memory to parse; split or simplify it", "spent": True})
    except RecursionError:
        send({"error": "nested too deep for the parser; simplify it", "spent": True})
    except Exception as error:  # parsers raise anything on broken files: the reason is what the user needs
        why = " ".join(str(error).split())[:200]
        send({"error": f"the parser failed ({type(error).__name__}: {why}); repair the file or save it again"})


def limit(seconds: float) -> None:
    """At most MEMORY, and so many more seconds of processor time; after that the kernel ends the process, even if the
    parent is gone."""
    if sys.platform == "win32":
        return
    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    for kind, soft in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, int(used + seconds) + 1),
        (resource.RLIMIT_CORE, 0),  # no core dump of what the limits end
    ):
        with contextlib.suppress(ValueError, OSError):  # macOS refuses some
            resource.setrlimit(kind, (soft, resource.getrlimit(kind)[1]))


def main() -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # -I leaves out PYTHONPATH and the current folder
    replies = os.fdopen(os.dup(1), "wb")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)  # what a library prints or warns must not reach the answers or the user's screen
    os.dup2(silence, 2)
    gc.set_threshold(100_000)  # trees of a million nodes: collecting every 700 allocations would double the time
    while header := sys.stdin.buffer.readline():
        request = json.loads(header)
        limit(request["processor_seconds"])
        data = sys.stdin.buffer.read(request["bytes"])
        answer(request, data, replies)


if __name__ == "__main__":
    main()
