"""Files that are never half-written, JSONL that names its bad lines, and paths that stay inside a folder.

The write is the classic one (Pillai et al. 2014, "All File Systems Are Not Created Equal"): a temporary file in the
same folder, fsync, rename, fsync of the folder. Whoever opens the path sees the old content or the new, even after
`kill -9` or a power cut in between.
"""

import hashlib
import json
import os
import secrets
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from tiny_shared import UserError


class PathOutside(UserError, ValueError):
    """A path that leaves the folder it was confined to."""


class BadLine(UserError, ValueError):
    """A line of a JSONL file that is not one JSON object; the message starts with `file:line`."""


@contextmanager
def atomic_writer(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a binary file that takes the place of `path` when the block ends, and vanishes if the block fails.

    Missing parent folders are made. An existing file keeps its permissions, and a symbolic link stays a link to the
    file that is replaced.
    """
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    # 40 characters of the name, to be recognised, stay under the 255 bytes that a file name may have in any script
    temporary = target.with_name(f".{target.name[:40]}.{secrets.token_hex(6)}.tmp")
    try:
        # not tempfile.mkstemp: it makes every file private (0600), whatever the user's umask says
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            os.chmod(temporary, stat.S_IMODE(target.stat().st_mode))
        os.replace(temporary, target)
    except BaseException:  # Ctrl-C too leaves no litter
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def atomic_write(path: str | os.PathLike[str], data: str | bytes) -> None:
    """Write a whole file at once; text as UTF-8 with its line ends untouched."""
    raw = data.encode("utf-8") if isinstance(data, str) else data
    with atomic_writer(path) as file:
        file.write(raw)


def sync_folder(folder: Path) -> None:
    """Make a rename in this folder survive a power cut, where the system lets a folder be synced."""
    if os.name == "nt":  # Windows opens no folders; NTFS journals the rename
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems refuse
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_jsonl(path: str | os.PathLike[str]) -> Iterator[dict[str, Any]]:
    """Yield the object of each line; blank lines and a byte-order mark are skipped.

    Raises BadLine with `file:line` and the reason.
    """
    with open(path, "rb") as file:  # split at b"\n" alone: U+2028 and its kin may stand inside a JSON string
        for number, raw in enumerate(file, start=1):
            where = f"{os.fspath(path)}:{number}"
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
                value = json.loads(line) if line.strip() else None
            except UnicodeDecodeError as error:
                byte = raw[error.start]
                raise BadLine(
                    f"{where}: not UTF-8 (byte 0x{byte:02x} at {error.start + 1}); save it as UTF-8"
                ) from None
            except json.JSONDecodeError as error:
                raise BadLine(f"{where}: not JSON ({error.msg} at column {error.colno}); one object a line") from None
            except (ValueError, RecursionError) as error:  # an integer of 5,000 digits, 100,000 brackets
                raise BadLine(f"{where}: unreadable JSON ({error}); one object a line") from None
            if not line.strip():
                continue
            if not isinstance(value, dict):
                raise BadLine(f"{where}: {type(value).__name__} {line.strip()[:40]!r}; expected an object {{...}}")
            yield value


def write_jsonl(path: str | os.PathLike[str], rows: Iterable[Mapping[str, Any]]) -> int:
    """Write one object a line, atomically, and return how many. NaN and infinity raise ValueError: JSON has none."""
    count = 0
    with atomic_writer(path) as file:
        for row in rows:
            line = json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"
            # a lone surrogate (half an emoji from a bad decoder) has no UTF-8; as \udxxx it is still the same JSON
            file.write(line.encode("utf-8", "backslashreplace"))
            count += 1
    return count


@contextmanager
def only_one(folder: str | os.PathLike[str], doing: str) -> Iterator[None]:
    """Hold `folder` for this process while the block runs; UserError, saying what is being done, if another one has it.

    The lock is the operating system's, on the file `.lock` in there: it goes when its holder dies, however that dies.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    descriptor = os.open(Path(folder, ".lock"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            _lock(descriptor)
        except OSError:
            raise UserError(
                f"{Path(folder).as_posix()}: another process is {doing} here; wait for it, or stop it first"
            ) from None
        yield
    finally:
        os.close(descriptor)  # which drops the lock; the file stays, or two processes could lock two files


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def confined(root: str | os.PathLike[str], path: str | os.PathLike[str]) -> Path:
    """The real path of `path`, taken from `root`, if it lies strictly inside; otherwise PathOutside.

    Symbolic links and `..` are followed first, so neither leads out. It holds for the moment of the call: whoever can
    create links inside `root` can still create one afterwards.
    """
    folder = Path(root).resolve()
    try:
        target = (folder / path).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a NUL character
        raise PathOutside(f"{os.fspath(path)!r} cannot be resolved ({error}); give a path inside {folder}") from None
    if target == folder or not target.is_relative_to(folder):
        raise PathOutside(f"{os.fspath(path)!r} is not inside {folder}; give a path inside that folder")
    return target


def sha256_file(path: str | os.PathLike[str]) -> str:
    """The file's SHA-256 in hexadecimal, read in blocks."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
