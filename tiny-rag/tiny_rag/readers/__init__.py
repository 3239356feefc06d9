"""Readers: PDF, Markdown, HTML, Word, text, JSON and CSV files as text with its page or heading and exact offsets.

`read_all` is the way in: it streams over files, folders and globs, and names what it can't read instead of stopping.
Formats that need a heavy parser go through a guarded child process (guard.py); plain text, lines and tables don't.
"""

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from .document import Document, Quarantined, ReadError, Span, whole
from .encoding import decode
from .files import SUPPORTED, find_files, open_regular, source_of
from .from_csv import read_csv
from .from_json import read_jsonl
from .guard import Guard
from .sniff import check_suffix

__all__ = ["SUPPORTED", "Document", "Quarantined", "ReadError", "Span", "find_files", "read", "read_all"]

LARGEST = 128 * 2**20  # bytes of a file that is read as a whole; .jsonl and .csv are streamed and have no limit
SECONDS = 8.0  # for a parser without a second opinion
SECONDS_PER_PAGE = 0.2  # a PDF may take longer than SECONDS only while its pages average less
SECONDS_OF_BOTH = 9.5  # the second PDF library gets what the first has left of them
SECONDS_OF_MARKUP = 5.0  # for Markdown and HTML, before they are read plainly
SECONDS_PLAINLY = 3.5


def read(path: str | os.PathLike[str]) -> list[Document]:
    """The Documents of one file (several for JSON, JSON Lines and CSV), or of every file in a folder or glob.

    Raises ReadError if nothing could be read. What was left out of the rest is noted on the first Document.
    """
    documents: list[Document] = []
    refused: list[str] = []
    for item in read_all(path):
        if isinstance(item, Document):
            documents.append(item)
        else:
            refused.append(f"{item.source}: {item.reason}")
    if not documents:
        raise ReadError("; ".join(refused[:3]) or f"{source_of(path)}: a folder without files; name another one")
    first = documents[0]
    return [replace(first, notes=(*first.notes, *(f"left out: {reason}" for reason in refused))), *documents[1:]]


def read_all(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> Iterator[Document | Quarantined]:
    """Every Document under the given files, folders and globs, in a fixed order, one at a time in memory.

    Raises ReadError at once for a path that doesn't exist; whatever can't be read later on comes as a Quarantined.
    """
    return _read_files(find_files(paths))


def _read_files(files: list[Path]) -> Iterator[Document | Quarantined]:
    with Guard() as guard:
        for file in files:
            try:
                yield from _read_file(file, guard)
            except ReadError as error:
                yield Quarantined(source_of(file), str(error))
            except OSError as error:
                yield Quarantined(source_of(file), f"reading failed ({error.strerror}); check the disk, then try again")


def _read_file(file: Path, guard: Guard) -> Iterator[Document | Quarantined]:
    suffix, source = file.suffix.lower(), source_of(file)
    with open_regular(file) as stream:
        if suffix not in SUPPORTED:
            raise ReadError(f"unsupported format {suffix or '(no suffix)'} (supported: {' '.join(SUPPORTED)})")
        check_suffix(suffix, stream.read(4096))
        stream.seek(0)
        if suffix not in (".jsonl", ".csv"):
            yield from _read_whole(_contents(stream), suffix, source, guard)
            return
        empty = True
        for item in read_jsonl(stream, source) if suffix == ".jsonl" else read_csv(stream, source):
            empty = False
            yield item
        if empty:
            raise ReadError("no records; nothing to read")


def _contents(stream: BinaryIO) -> bytes:
    data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ReadError(f"larger than {LARGEST >> 20} MB; split it, or write records to a .jsonl, which is streamed")
    return data


def _read_whole(data: bytes, suffix: str, source: str, guard: Guard) -> list[Document]:
    if suffix == ".txt":
        return [_read_text(data, source)]
    if suffix == ".pdf":
        return _read_pdf(data, source, guard)
    if suffix == ".md":
        return _read_markdown(data, source, guard)
    if suffix in (".html", ".htm"):
        return _read_html(data, source, guard)
    return guard.parse(suffix[1:], data, source, SECONDS)


def _read_text(data: bytes, source: str) -> Document:
    decoded = decode(data)
    if not decoded.text.strip():
        raise ReadError("only white space; nothing to read")
    metadata = {"format": "txt", "encoding": decoded.encoding}
    return Document(source, decoded.text, None, "", metadata, whole(decoded.text), decoded.notes)


def _read_pdf(data: bytes, source: str, guard: Guard) -> list[Document]:
    """pypdf first; if it fails, hangs, or finds no text, PyPDF2, whose looser parser reads some broken files."""
    start = time.monotonic()
    try:
        return guard.parse("pypdf", data, source, SECONDS, SECONDS_PER_PAGE)
    except ReadError as first:
        left = min(SECONDS, start + SECONDS_OF_BOTH - time.monotonic())
        if left < 1:
            raise ReadError(f"pypdf: {first}; no time was left for a second opinion") from first
        try:
            documents = guard.parse("PyPDF2", data, source, left, SECONDS_PER_PAGE)
        except ReadError as second:
            same = str(first) == str(second)
            raise ReadError(f"pypdf: {first}" + ("" if same else f"; second opinion, PyPDF2: {second}")) from second
        note = f"read by PyPDF2, because pypdf failed: {first}"
        return [replace(document, notes=(*document.notes, note)) for document in documents]


def _read_markdown(data: bytes, source: str, guard: Guard) -> list[Document]:
    """Markdown that fails or hangs its parser is still text: then its source is read as it stands."""
    try:
        return guard.parse("md", data, source, SECONDS_OF_MARKUP)
    except ReadError as error:
        documents = guard.parse("plain md", data, source, SECONDS_PLAINLY)
        note = f"read with its markup, because the Markdown parser failed: {error}"
        return [replace(document, notes=(*document.notes, note)) for document in documents]


def _read_html(data: bytes, source: str, guard: Guard) -> list[Document]:
    """A page that fails or hangs the parser still has words: then only its tags are taken away."""
    try:
        return guard.parse("html", data, source, SECONDS_OF_MARKUP)
    except ReadError as error:
        try:
            documents = guard.parse("plain html", data, source, SECONDS_PLAINLY)
        except ReadError:
            raise error from None  # the first reason says more
        note = f"read without its headings and tables, because the HTML parser failed: {error}"
        return [replace(document, notes=(*document.notes, note)) for document in documents]
