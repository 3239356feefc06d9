"""Run the heavy parsers in a child process that can hang, crash or eat memory without taking the indexer along.

The child (worker.py) serves one file after the other; after a failure that may have harmed it, the next file gets
a fresh one. Limits: wall clock (here), processor time and memory (the child sets them on itself), size of the answer.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .document import Document, ReadError, from_wire

WORKER = Path(__file__).with_name("worker.py")
MOST_ANSWER = 128 * 2**20  # bytes of text that one file may give
LONGEST = 300.0  # seconds for one file, however steadily its pages come
BIG = 4 * 2**20  # after a file of this size the child is replaced: its heap may be in pieces
# No secret of the user's environment reaches the parsers; these only let the interpreter start.
ENVIRONMENT = ("SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class Guard:
    """A child process that parses untrusted bytes. Use it as a context manager, from one thread at a time."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._expired = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def parse(
        self, kind: str, data: bytes, source: str, seconds: float, seconds_per_page: float = 0.0
    ) -> list[Document]:
        """Parse `data` as `kind` ("html", "plain html", "md", "plain md", "docx", "json", "pypdf", "PyPDF2").

        It may take `seconds`, or longer while the pages that gave text average under `seconds_per_page`, but never
        more than LONGEST. Raises ReadError with the reason if the parser refuses, fails, hangs, dies or babbles.
        """
        child = self._started()
        start, allowed_seconds, pages = time.monotonic(), seconds, 0
        request = {
            "kind": kind,
            "bytes": len(data),
            "seconds": seconds,
            "seconds_per_page": seconds_per_page,
            "processor_seconds": LONGEST if seconds_per_page else seconds,
        }
        documents: list[Document] = []
        timer = self._timer(child, seconds)
        healthy = False
        try:
            with contextlib.suppress(OSError):  # the child died while we wrote; _receive will say of what
                child.stdin.write(json.dumps(request).encode() + b"\n" + data)  # type: ignore[union-attr]
                child.stdin.flush()  # type: ignore[union-attr]
            allowed = MOST_ANSWER
            while True:
                reply = self._receive(child, allowed, allowed_seconds, pages)
                allowed -= len(reply)
                answer: dict[str, Any] = json.loads(reply)
                if "document" in answer:
                    documents.append(from_wire(answer["document"], source))
                elif "tick" in answer:
                    pages += 1
                    allowed_seconds = min(max(seconds, seconds_per_page * pages), LONGEST)
                    timer.cancel()
                    timer = self._timer(child, start + allowed_seconds - time.monotonic())
                else:
                    break
            healthy = not answer.get("spent") and len(data) < BIG
            if "error" in answer:
                raise ReadError(answer["error"])
            return documents
        finally:
            timer.cancel()
            timer.join()  # it may be killing right now
            if self._expired or not healthy:
                self.close()

    def close(self) -> None:
        """End the child and everything it may have started."""
        if self._child is not None:
            _kill(self._child)
            self._child.wait()
            for pipe in (self._child.stdin, self._child.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):  # unsent bytes of a dead child
                        pipe.close()
        self._child, self._expired = None, False

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-X", "utf8", str(WORKER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
                start_new_session=True,  # a group of its own, to be killed as a whole, and out of reach of Ctrl-C
            )
        return self._child

    def _timer(self, child: subprocess.Popen[bytes], seconds: float) -> threading.Timer:
        """Kill the child after so long; its closed pipe then wakes whoever is reading or writing."""

        def expire() -> None:
            self._expired = True
            _kill(child)

        timer = threading.Timer(max(0.0, seconds), expire)
        timer.daemon = True
        timer.start()
        return timer

    def _receive(self, child: subprocess.Popen[bytes], allowed: int, seconds: float, pages: int) -> bytes:
        reply: bytes = child.stdout.readline(allowed)  # type: ignore[union-attr]
        if reply.endswith(b"\n"):
            return reply
        if len(reply) >= allowed:
            raise ReadError(f"gives more than {MOST_ANSWER >> 20} MB of text; split the file")
        if self._expired:
            got = f"no further than {pages} pages" if pages else "nowhere"
            raise ReadError(
                f"the parser got {got} in {seconds:.3g} s and was stopped; the file is broken or too complex"
            )
        code = child.wait()
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        raise ReadError(f"the parser died ({name}); the file is broken or hostile, remove or repair it")


def _kill(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is not None:
        return  # already collected: its number may belong to another process by now
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
