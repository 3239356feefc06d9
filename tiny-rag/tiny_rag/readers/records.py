"""Records (lines of a corpus, rows of a table, objects of a JSON file): one record, one Document.

The text is the field named text, content, contents or body; without one, every field becomes a "name: value" line.
Files are read line by line, so a corpus may be larger than memory.
"""

import io
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from .document import Document, whole
from .encoding import decode, detect

TEXT_FIELDS = ("text", "content", "contents", "body")
ID_FIELDS = ("_id", "id")
HEAD = 2**20  # bytes from which the encoding is guessed
LONGEST_LINE = 8 * 2**20  # characters


def record_document(source: str, record: Any, base: dict[str, Any], notes: tuple[str, ...]) -> Document:
    """One record as a Document. A title that doesn't begin the text already is put before it, on its own line."""
    if not isinstance(record, dict):
        text = "\n".join(_flat("", record))
        return Document(source, text, None, "", base, whole(text), notes)
    text_field = next((name for name in TEXT_FIELDS if isinstance(record.get(name), str)), None)
    id_field = next((name for name in ID_FIELDS if isinstance(record.get(name), str | int)), None)
    title = record["title"] if isinstance(record.get("title"), str) else ""
    if text_field is None:
        text = "\n".join(_flat("", {name: value for name, value in record.items() if name != id_field}))
    else:
        text = record[text_field]
        if title and not text.startswith(title):
            text = f"{title}\n{text}" if text else title
    rest = {name: value for name, value in record.items() if name not in (text_field, id_field, "title")}
    metadata = {**(rest if text_field else {}), **base}
    return Document(source, text, str(record[id_field]) if id_field else None, title, metadata, whole(text), notes)


def _flat(name: str, value: Any) -> Iterator[str]:
    """The leaves of a JSON value as "name: value" lines, in order, by a stack of our own."""
    waiting = [(name, value)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend((f"{name}.{key}" if name else key, value[key]) for key in reversed(value))
        elif isinstance(value, list):
            waiting.extend((name, item) for item in reversed(value))
        elif value is not None and str(value).strip():
            yield f"{name}: {value}" if name else str(value)


def _telling(head: bytes, stream: BinaryIO) -> bytes:
    """The part of the file that tells the encoding: the head, or if that is ASCII, the first other byte and on."""
    if not head.isascii() or b"\0" in head:  # UTF-16 is known by its zeros
        return head
    while part := stream.read(HEAD):
        if first := re.search(rb"[\x80-\xff]", part):
            stream.seek(first.start() - len(part), io.SEEK_CUR)
            return stream.read(HEAD)
    return head


def text_lines(stream: BinaryIO, newline: str) -> tuple[Iterator[str], dict[str, Any]]:
    """The lines as they come, each cut off after LONGEST_LINE + 1 characters, and the encoding as metadata."""
    head = stream.read(HEAD)
    decode(head)  # refuses binary data
    encoding = detect(_telling(head, stream))
    stream.seek(0)
    text = io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline=newline)

    def lines() -> Iterator[str]:
        while line := text.readline(LONGEST_LINE + 1):
            yield line
            while len(line) > LONGEST_LINE and not line.endswith("\n"):
                line = text.readline(LONGEST_LINE + 1)  # the rest of an endless line

    return lines(), {"encoding": encoding.removesuffix("-sig")}
