"""From documents to passages: the chunks that are searched, each with its place in the file it came from."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from .chunker import chunk
from .readers import Document, Span


class ChunkingProblem(ValueError):
    """Sizes that can't be. The message says what to do next."""


@dataclass(frozen=True)
class Chunking:
    """How documents are cut; part of an index's passport."""

    max_tokens: int = 400
    overlap_tokens: int = 40
    record_tokens: int = 1000  # a record with an id of its own is a passage already: it's cut only if it's very long
    tokenizer: str = ""  # name and hash of a tokenizer.json; empty: the offline counter of `tokens.py`

    def __post_init__(self) -> None:
        if self.max_tokens < 1 or not 0 <= self.overlap_tokens < self.max_tokens:
            raise ChunkingProblem(
                f"a chunk needs at least 1 token and must be larger than its overlap "
                f"(got {self.max_tokens} and {self.overlap_tokens}); choose a smaller overlap"
            )

    def __str__(self) -> str:
        counter = self.tokenizer or "offline"
        sizes = f"{self.max_tokens} tokens, {self.overlap_tokens} overlapping, records {self.record_tokens}"
        return f"{sizes} ({counter})"


@dataclass(frozen=True)
class Passage:
    """A chunk and where it stands: `document.text[start:end] == text`."""

    id: str
    source: str
    text: str
    start: int
    end: int
    record: str | None = None  # the document's own id (`_id` of a BEIR corpus)
    title: str = ""
    spans: tuple[Span, ...] = ()  # the pages or headings that it lies on or under
    metadata: dict[str, Any] = field(default_factory=dict)

    def payload(self) -> dict[str, Any]:
        """As plain JSON values, for the store."""
        values = asdict(self)
        del values["id"]
        return values

    @classmethod
    def from_payload(cls, id: str, values: dict[str, Any]) -> "Passage":
        """Rebuild what `payload` took apart."""
        spans = tuple(Span(s["start"], s["end"], s["page"], tuple(s["heading"])) for s in values["spans"])
        return cls(id, **{**values, "spans": spans})

    def span_at(self, offset: int) -> Span:
        """Page and heading path of a character of the document that lies in this passage."""
        return next((span for span in self.spans if span.start <= offset < span.end), Span(self.start, self.end))

    @property
    def page(self) -> int | None:
        """The page on which the passage begins."""
        return self.span_at(self.start).page

    @property
    def heading(self) -> tuple[str, ...]:
        """The heading path under which the passage begins."""
        return self.span_at(self.start).heading

    @property
    def search_text(self) -> str:
        """What is indexed: the text below the title and headings that it stands under but doesn't repeat."""
        context = [part for part in dict.fromkeys((self.title, *self.heading)) if part and part not in self.text]
        return "\n".join([*context, self.text])


def passages_of(
    document: Document,
    name: str,
    chunking: Chunking,
    find_starts: Callable[[str], np.ndarray] | None = None,
) -> list[Passage]:
    """Cut one document; `name` makes the ids of its passages unique ("manual.md:0", "manual.md:1", …)."""
    spans = document.spans or (Span(0, len(document.text)),)
    headings = [span.start for span, last in zip(spans[1:], spans, strict=False) if span.heading != last.heading]
    max_tokens = chunking.max_tokens if document.id is None else max(chunking.record_tokens, chunking.max_tokens)
    pieces = chunk(document.text, max_tokens, chunking.overlap_tokens, headings, find_starts)
    return [
        Passage(
            f"{name}:{number}",
            document.source,
            piece.text,
            piece.start,
            piece.end,
            document.id,
            document.title,
            tuple(span for span in spans if span.start < piece.end and span.end > piece.start),
            document.metadata,
        )
        for number, piece in enumerate(pieces)
    ]
