"""What a reader hands on: a Document whose every character knows its page or heading, or a Quarantined file.

Offsets are in characters of `Document.text`, half open: `text[span.start:span.end]`.
"""

import re
from dataclasses import asdict, dataclass, field
from typing import Any


class ReadError(Exception):
    """A file that can't be read. The message says why and what to do next."""


@dataclass(frozen=True)
class Span:
    """A stretch of text on one page (PDF) or under one heading path (Markdown, HTML, Word)."""

    start: int
    end: int
    page: int | None = None
    heading: tuple[str, ...] = ()


@dataclass(frozen=True)
class Document:
    """Text with its origin.

    `source` is the path as it was given, with forward slashes; several records of one file share it.
    `id` is the record's own id (BEIR `_id`, JSON `id`) if it has one.
    `spans` are sorted, don't overlap, and cover the whole text.
    `notes` say what a reader of the answer should know about the quality of the text.
    """

    source: str
    text: str
    id: str | None = None
    title: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    spans: tuple[Span, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Quarantined:
    """A file, or one record of a file (`corpus.jsonl:17`), that was left out, and why."""

    source: str
    reason: str


def whole(text: str) -> tuple[Span, ...]:
    """The spans of a text without pages or headings: one that covers it all."""
    return (Span(0, len(text)),) if text else ()


def without_lone_surrogates(text: str) -> str:
    r"""Replace half characters (JSON allows "\ud83d" alone, PDF maps produce them): they can't be written as UTF-8."""
    if not re.search("[\ud800-\udfff]", text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def to_wire(document: Document) -> dict[str, Any]:
    """As plain JSON values, for the pipe between the guarded child and its parent."""
    return asdict(document)


def from_wire(values: dict[str, Any], source: str) -> Document:
    """Rebuild what `to_wire` took apart; only the parent knows the file's name."""
    spans = tuple(Span(s["start"], s["end"], s["page"], tuple(s["heading"])) for s in values["spans"])
    return Document(**{**values, "source": source, "spans": spans, "notes": tuple(values["notes"])})
