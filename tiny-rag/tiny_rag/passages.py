"""From documents to passages: the chunks that are searched, each with its place in the file it came from."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from .chunker import chunk
from .readers import Document, Span


@dataclass(frozen=True)
class Chunking:
    """How documents are cut; part of an index's passport."""

    max_tokens: int = 400
    overlap_tokens: int = 40
    tokenizer: str = ""  # name and hash of a tokenizer.json; empty: the offline counter of `tokens.py`

    def __str__(self) -> str:
        counter = self.tokenizer or "offline"
        return f"{self.max_tokens} tokens ({counter}), {self.overlap_tokens} overlapping"


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
    page: int | None = None
    heading: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)

    def payload(self) -> dict[str, Any]:
        """As plain JSON values, for the store."""
        values = asdict(self)
        del values["id"]
        return values

    @classmethod
    def from_payload(cls, id: str, values: dict[str, Any]) -> "Passage":
        """Rebuild what `payload` took apart."""
        return cls(id, **{**values, "heading": tuple(values["heading"])})

    @property
    def place(self) -> str:
        """For people: the file with its page, or its deepest heading."""
        if self.page is not None:
            return f"{self.source}, page {self.page}"
        return f"{self.source}, {self.heading[-1]}" if self.heading else self.source

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
    pieces = chunk(document.text, chunking.max_tokens, chunking.overlap_tokens, headings, find_starts)
    starts = np.array([span.start for span in spans])
    passages = []
    for number, piece in enumerate(pieces):
        span = spans[max(int(np.searchsorted(starts, piece.start, side="right")) - 1, 0)]
        passages.append(
            Passage(
                f"{name}:{number}",
                document.source,
                piece.text,
                piece.start,
                piece.end,
                document.id,
                document.title,
                span.page,
                span.heading,
                document.metadata,
            )
        )
    return passages
