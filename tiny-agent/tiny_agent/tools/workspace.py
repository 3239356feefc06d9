"""Files below one folder, and nothing else: read and search. Paths are resolved, links included, before their use.

A path that leaves the folder - by `..`, as an absolute one, through a link - is refused, however it is written. A file
that a link replaces between the check and the opening is caught as well: it is opened by descriptor, without following
a link at its end, and the descriptor's own path is checked again.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from tiny_agent.tools import ToolError

LONGEST_FILE = 2_000_000  # bytes that are read of a file
MOST_HITS = 20


class Workspace:
    """`root` is the folder; ToolError for whatever isn't in it."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def inside(self, path: str) -> Path:
        """The resolved path."""
        if "\0" in path or not path.strip():
            raise ToolError("this is no path")
        found = Path(os.path.realpath(self.root / path.strip()))
        if not found.is_relative_to(self.root):
            raise ToolError(f"{path!r} is outside the workspace; only files below it can be read")
        return found

    def read(self, path: str) -> str:
        found = self.inside(path)
        try:
            descriptor = os.open(found, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        except FileNotFoundError:
            raise ToolError(f"there is no file {path!r}; {self._neighbours(found)}") from None
        except OSError as error:
            raise ToolError(f"{path!r} can't be read: {error.strerror}") from None
        with os.fdopen(descriptor, "rb") as file:
            if not os.path.isfile(found) or not Path(os.path.realpath(found)).is_relative_to(self.root):
                raise ToolError(f"{path!r} is no file of the workspace")
            data = file.read(LONGEST_FILE)
        if b"\0" in data[:4096]:
            raise ToolError(f"{path!r} is no text file")
        return data.decode("utf-8", "replace")

    def files(self) -> Iterator[Path]:
        """Every file below, by name; hidden ones and links left out."""
        for parent, folders, names in os.walk(self.root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                path = Path(parent, name)
                if not name.startswith(".") and not path.is_symlink():
                    yield path

    def search(self, words: str) -> str:
        """Lines that hold all the words, as `file:line: text`."""
        wanted = [word.lower() for word in re.findall(r"\w+", words)]
        if not wanted:
            raise ToolError("there is no word to search for")
        hits = []
        for path in self.files():
            name = path.relative_to(self.root).as_posix()
            try:
                text = self.read(name)
            except ToolError:
                continue
            for number, line in enumerate(text.splitlines(), 1):
                if all(word in line.lower() for word in wanted):
                    hits.append(f"{name}:{number}: {line.strip()[:200]}")
                    if len(hits) == MOST_HITS:
                        return "\n".join([*hits, "(more were found)"])
        return "\n".join(hits) or f"nothing found for {words!r}"

    def _neighbours(self, path: Path) -> str:
        names = [file.relative_to(self.root).as_posix() for file in self.files()][:10]
        return f"there are {', '.join(names)}" if names else "the workspace is empty"
