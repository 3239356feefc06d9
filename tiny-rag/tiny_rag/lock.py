"""One writer at a time: a lock that the operating system drops by itself when its holder dies.

A lock *file* alone (there = locked) outlives a killed process and blocks everyone after it. A kernel lock on an open
file (`flock`, on Windows `msvcrt.locking`) cannot: the kernel closes the file of a dead process, and the lock is gone.
"""

import os
import sys
from pathlib import Path

from .durable import StoreError

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> None:
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)  # locked bytes cannot be read: keep clear of the pid at the start
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class WriterLock:
    """Hold the lock from construction to `release()`, or to the death of the process. Raises StoreError if taken."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _try_lock(self._descriptor)
        except (BlockingIOError, PermissionError):
            self.release()
            pid = path.read_text() or "unknown"
            holder = "this process" if pid == str(os.getpid()) else f"another process (pid {pid})"
            advice = "wait until it is done, or open the store read-only (mode='r')"
            raise StoreError(f"{holder} is writing {path.parent}; {advice}") from None
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.write(self._descriptor, str(os.getpid()).encode())  # only for the message above; the lock is the kernel's

    def release(self) -> None:
        """Closing the file drops the lock. The file stays: deleting it would let two writers lock two files."""
        os.close(self._descriptor)
