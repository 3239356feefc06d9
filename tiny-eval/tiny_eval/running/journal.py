"""Every answer is on disk before anybody counts on it: a file of one JSON object a line, only ever appended to.

A line is handed to the system at once, so killing the program loses nothing that had arrived. At most fifty
milliseconds later it is on the disk itself, with the others of that while: one `fsync` for many lines (group commit,
Gawlick & Kinkade 1985), because one for each would take longer than the answers. A line torn by a full disk or a power
cut is the last one; it is cut off when the file is opened again.

Written down is also what is sent, before it is. A question that was under way when a run was killed is asked last by
the next run, so a run that is killed again and again doesn't send the same few again and again.
"""

import asyncio
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any

from tiny_eval.problem import EvalProblem

COMMIT_S = 0.05


class Journal:
    """The answers by their keys. Use as `async with Journal(path) as journal`; one process at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.answers: dict[str, dict[str, Any]] = {}
        self.sent: set[str] = set()
        self._descriptor = -1
        self._end = 0
        self._commit: asyncio.Task[None] | None = None

    def read(self) -> "Journal":
        """What is there, without opening it for more."""
        if self.path.exists():
            self._end = self._load(self.path.read_bytes())
        return self

    def _load(self, data: bytes) -> int:
        """Take in every whole line; returns where the whole lines end."""
        end = 0
        for number, line in enumerate(data.splitlines(keepends=True), 1):
            if not line.endswith(b"\n"):
                break
            try:
                row = json.loads(line)
                if "answer" in row:
                    self.answers[row["key"]] = row["answer"]
                else:
                    self.sent.add(row["key"])
            except (ValueError, KeyError, TypeError):
                if end + len(line) < len(data):
                    raise EvalProblem(f"{self.path.as_posix()}:{number}: not a line of the journal; delete that "
                                      "line, its question is asked again") from None  # fmt: skip
                break
            end += len(line)
        return end

    async def __aenter__(self) -> "Journal":
        self.read()
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
        os.ftruncate(self._descriptor, self._end)
        os.lseek(self._descriptor, self._end, os.SEEK_SET)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._commit:
                await asyncio.shield(self._commit)
            os.fsync(self._descriptor)
        finally:
            os.close(self._descriptor)

    def add(self, key: str, answer: dict[str, Any]) -> None:
        """Raises OSError if the disk is full; nothing of the line is left then."""
        self._append({"key": key, "answer": answer})
        self.answers[key] = answer
        if self._commit is None or self._commit.done():
            self._commit = asyncio.get_running_loop().create_task(self._in_a_while())

    def sending(self, key: str) -> None:
        """To be called before a question goes out."""
        self._append({"key": key})

    def _append(self, row: dict[str, Any]) -> None:
        data = (json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8", "backslashreplace")
        try:
            written = 0
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
        except OSError:
            os.ftruncate(self._descriptor, self._end)
            raise
        self._end += len(data)

    async def _in_a_while(self) -> None:
        await asyncio.sleep(COMMIT_S)
        await asyncio.to_thread(os.fsync, self._descriptor)
