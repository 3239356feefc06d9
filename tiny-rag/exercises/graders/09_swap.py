"""Crash the learner's save before each os.fsync and os.replace, and look at what is on the disk."""

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

from tiny_shared.exercises import Wrong, expect

OLD, NEW = b"the old content", b"the new content, which is longer"


class Crash(BaseException):
    """Not an Exception: an `except Exception` doesn't survive a power cut either."""


def check(answer: ModuleType) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "manifest.json")
        answer.save(path, OLD)
        expect("the file after save(path, old)", path.read_bytes(), OLD)
        steps = attempt(answer, path, None)
        expect("the file after save(path, new)", path.read_bytes(), NEW)
        if "replace" not in steps:
            raise Wrong("save never calls os.replace; writing to the path itself leaves half a file after a crash")
        if "fsync" not in steps[: steps.index("replace")]:
            raise Wrong("save renames before it calls os.fsync; after a power cut the new name may hold an empty file")
        for number, step in enumerate(steps[: steps.index("replace") + 1]):
            path.write_bytes(OLD)
            attempt(answer, path, number)
            expect(f"the file after a crash before os.{step}", path.read_bytes(), OLD)


def attempt(answer: ModuleType, path: Path, crash_before: int | None) -> list[str]:
    """Save NEW, crash before the given step (None: don't), and return the names of the steps taken."""
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace

    def take(step: str) -> None:
        if len(steps) == crash_before:
            raise Crash
        steps.append(step)

    def watched_fsync(descriptor: int) -> None:
        take("fsync")
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode) and found.st_size != len(NEW):
            raise Wrong(
                f"when os.fsync is called, the file holds {found.st_size} of {len(NEW)} bytes; file.flush() first"
            )
        fsync(descriptor)

    def watched_replace(source: Path, target: Path) -> None:
        take("replace")
        if Path(source).read_bytes() != NEW:
            raise Wrong(
                "when os.replace is called, the other file doesn't hold all of the data; write and flush it first"
            )
        replace(source, target)

    with patch("os.fsync", watched_fsync), patch("os.replace", watched_replace), suppress(Crash):
        answer.save(path, NEW)
    return steps
