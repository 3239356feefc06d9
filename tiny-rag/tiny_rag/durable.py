"""Files that survive a crash (Pillai et al. 2014, "All File Systems Are Not Created Equal").

Three facts about disks, and what each asks of us:

* A write waits in memory until `fsync`: without it, a power cut leaves the file empty, short or full of zeros.
* A *name* waits too, in its folder: a new file, or a rename, is only safe after an `fsync` of the folder.
* A rename is all or nothing: whoever opens the name sees the old file or the new one, never half of each.

So data is written under names that nobody reads yet, flushed, and made visible by one rename at the very end.
"""

import contextlib
import os
import sys
import time
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

if sys.platform == "darwin":
    import fcntl

READ_CHUNK = 1 << 20
ON_WINDOWS = os.name == "nt"


class StoreError(ValueError):
    """Something about a store that its user can act on; the message says what to do next."""


@dataclass(frozen=True)
class FileRecord:
    """What a finished file must look like: enough to notice that it was cut or changed."""

    name: str
    size: int
    crc32: int

    def check(self, folder: Path, read_up_to: int | None = None) -> None:
        """Raise StoreError unless the file is there, as long as it was, and holds the same bytes.

        Files above `read_up_to` bytes are only measured, not read. A missing file raises FileNotFoundError.
        """
        path = folder / self.name
        size = path.stat().st_size
        if size != self.size:
            raise StoreError(f"{path} is damaged: {size} bytes, {self.size} expected; {ADVICE}")
        if (read_up_to is None or size <= read_up_to) and checksum(path) != self.crc32:
            raise StoreError(f"{path} is damaged: its checksum does not match; {ADVICE}")


ADVICE = "restore the folder from a backup, or delete it and index again"


def checksum(path: Path) -> int:
    crc = 0
    with open(path, "rb") as file:
        while chunk := file.read(READ_CHUNK):
            crc = zlib.crc32(chunk, crc)
    return crc


def write_file(path: Path, chunks: Iterable[bytes]) -> FileRecord:
    """Write the chunks and wait until the disk has them. The name itself needs `sync_folder` afterwards."""
    size = crc = 0
    with open(path, "wb") as file:
        for chunk in chunks:
            _write(file, chunk)
            size, crc = size + len(chunk), zlib.crc32(chunk, crc)
        _sync(file)
    return FileRecord(path.name, size, crc)


def adopt_file(path: Path) -> FileRecord:
    """Flush a file that somebody else wrote, and describe it."""
    with open(path, "rb+") as file:  # Windows flushes only what is open for writing
        _sync(file)
    return FileRecord(path.name, path.stat().st_size, checksum(path))


def replace_file(path: Path, data: bytes) -> None:
    """Swap the whole content of `path` in one step: a crash leaves the old content or the new one."""
    draft = path.with_name(path.name + ".tmp")
    write_file(draft, [data])
    _rename(draft, path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in the folder survive a power cut. Windows cannot open folders and does this by itself."""
    if ON_WINDOWS:
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_quietly(path: Path) -> None:
    """Delete if possible: Windows refuses while somebody reads the file, and a later clean-up will succeed."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _write(file: BinaryIO, chunk: bytes) -> None:
    file.write(chunk)


def _sync(file: BinaryIO) -> None:
    file.flush()
    if sys.platform == "darwin":
        try:
            fcntl.fcntl(file.fileno(), fcntl.F_FULLFSYNC)  # on macOS, fsync alone stops at the drive's own cache
            return
        except OSError:
            pass  # some network volumes only know fsync
    os.fsync(file.fileno())


def _rename(source: Path, target: Path, patience: int = 50) -> None:
    """On Windows a rename fails for the moment in which somebody reads the target: try again for a second."""
    for attempt in range(patience):
        try:
            return os.replace(source, target)
        except PermissionError:
            if not ON_WINDOWS or attempt == patience - 1:
                raise
            time.sleep(0.02)
