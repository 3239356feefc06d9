"""Which files to read, and opening them so that none can block: folders, globs, links, pipes, sockets."""

import fnmatch
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from .document import ReadError

SUPPORTED = (".pdf", ".md", ".html", ".htm", ".txt", ".docx", ".json", ".jsonl", ".csv")


def source_of(path: str | os.PathLike[str]) -> str:
    """The path as it was given, with forward slashes, and printable even if the file's name isn't valid UTF-8."""
    return os.fsencode(Path(path).as_posix()).decode("utf-8", "replace")


def find_files(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[Path]:
    """Every file under the given files, folders and globs, sorted within each, a file given twice only once.

    Hidden files and folders are skipped (unless named outright). Everything else is listed, also what can't be
    read: `read_all` then says why. Raises ReadError for a path that doesn't exist and a glob that matches nothing.
    """
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    found: dict[str, Path] = {}  # real path -> the first path that led there
    for start in (match for path in given for match in _matches(Path(path))):
        for file in _files_under(start):
            found.setdefault(os.path.normcase(os.path.realpath(file)), file)
    return list(found.values())


def _matches(path: Path) -> list[Path]:
    if os.path.lexists(path):
        return [path]
    if not any(character in str(path) for character in "*?["):
        raise ReadError(f"{source_of(path)}: no such file or folder; check the spelling, or quote a glob pattern")
    matches = _expand([Path(path.anchor)] if path.anchor else [Path()], path.parts[1 if path.anchor else 0 :])
    if not matches:
        raise ReadError(f"{source_of(path)}: no file matches this pattern; ** stands for any number of folders")
    return matches


def _expand(folders: list[Path], pattern: Sequence[str]) -> list[Path]:
    """Match a glob part by part; unlike glob.glob, `**` here meets each folder once, however links loop."""
    for position, part in enumerate(pattern):
        if part == "**":
            below = [folder for start in folders for folder, _ in _walk(start)]
            return sorted(set(below if position + 1 == len(pattern) else _expand(below, pattern[position + 1 :])))
        if any(character in part for character in "*?["):
            folders = [
                folder / name
                for folder in folders
                for name in _names(folder)
                if fnmatch.fnmatchcase(name, part) and (part.startswith(".") or not name.startswith("."))
            ]
        else:
            folders = [folder / part for folder in folders if os.path.lexists(folder / part)]
    return folders


def _files_under(start: Path) -> Iterator[Path]:
    if not os.path.isdir(start):
        yield start
        return
    for folder, files in _walk(start):
        if folder.suffix.lower() in SUPPORTED or not _can_list(folder):
            yield folder  # read_all will say why: a folder named x.pdf (its files are read), or a closed one
        yield from files


def _walk(start: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Each folder below `start` once, with its files, in a fixed order; links to folders are followed, loops end."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        folder = waiting.pop()
        real = os.path.realpath(folder)
        if real in seen:
            continue
        seen.add(real)
        entries = [folder / name for name in _names(folder) if not name.startswith(".")]
        yield folder, [entry for entry in entries if not os.path.isdir(entry)]
        waiting.extend(entry for entry in reversed(entries) if os.path.isdir(entry))


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:  # not a folder, or one that we may not look into: read_all says which
        return []


def _can_list(folder: Path) -> bool:
    try:
        os.scandir(folder).close()
    except OSError:
        return False
    return True


def open_regular(path: Path) -> BinaryIO:
    """Open an ordinary file for reading bytes. Raises ReadError for anything else.

    The check is made on the open file, not on its name, so nothing can be swapped in between; O_NONBLOCK, because
    opening a pipe that nobody writes to would wait for ever.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        raise ReadError(_why_not(path, error)) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        kind = _kind(os.fstat(descriptor).st_mode)
        os.close(descriptor)
        raise ReadError(f"{kind}, not a file; move it out of the folder or leave it")
    return os.fdopen(descriptor, "rb")


def _why_not(path: Path, error: OSError) -> str:
    try:
        mode = os.stat(path).st_mode
    except OSError:
        if path.is_symlink():
            return f"a broken link (to {os.readlink(path)!r}); repair or remove it"
        return f"can't be opened ({error.strerror}); check that it still exists"
    if not stat.S_ISREG(mode) and (os.name == "nt" or not isinstance(error, PermissionError)):
        return f"{_kind(mode)}, not a file; move it out of the folder or leave it"
    return f"can't be opened ({error.strerror}); check the permissions"


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")
