"""How often each term occurs in each text: the one table behind BM25 and LSA.

Most cells are zero, so only the others are kept, text by text (compressed sparse rows, CSR): the terms of text i are
`term_ids[row_starts[i]:row_starts[i + 1]]`, and `counts` lies beside them. `by_term` turns the table on its side.

Shapes: N texts, V distinct terms, P pairs (text, term) that occur.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class TermCounts:
    """A sparse table of counts; immutable, so that what is derived from it can be cached."""

    vocabulary: list[str]  # V terms
    row_starts: np.ndarray  # (N + 1,) int64
    term_ids: np.ndarray  # (P,) int32
    counts: np.ndarray  # (P,) float32

    @classmethod
    def from_terms(cls, texts: Iterable[Sequence[str]], vocabulary: dict[str, int] | None = None) -> "TermCounts":
        """Count the terms of each text (see `analysis.terms`); with a `vocabulary`, only the terms that it has."""
        id_of = {} if vocabulary is None else vocabulary
        row_starts, term_ids, counts = [0], [], []
        for text in texts:
            for term, count in Counter(text).items():
                if vocabulary is None or term in vocabulary:
                    term_ids.append(id_of.setdefault(term, len(id_of)))
                    counts.append(count)
            row_starts.append(len(term_ids))
        return cls(list(id_of), np.array(row_starts), np.array(term_ids, np.int32), np.array(counts, np.float32))

    def __len__(self) -> int:
        return len(self.row_starts) - 1

    def parts(self) -> dict[str, np.ndarray]:
        """The table as plain arrays, to be saved; `from_parts` reads them back."""
        vocabulary = np.frombuffer("\n".join(self.vocabulary).encode(), np.uint8)  # no term holds white space
        return {
            "vocabulary": vocabulary,
            "row_starts": self.row_starts,
            "term_ids": self.term_ids,
            "counts": self.counts,
        }

    @classmethod
    def from_parts(
        cls, vocabulary: np.ndarray, row_starts: np.ndarray, term_ids: np.ndarray, counts: np.ndarray
    ) -> "TermCounts":
        """The table that `parts` took apart."""
        words = vocabulary.tobytes().decode()
        return cls(words.split("\n") if words else [], row_starts, term_ids, counts)

    @cached_property
    def id_of(self) -> dict[str, int]:
        """Term to id."""
        return {term: i for i, term in enumerate(self.vocabulary)}

    @cached_property
    def row_of(self) -> np.ndarray:
        """The text that each pair belongs to: (P,) int32."""
        return np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.row_starts))

    @cached_property
    def lengths(self) -> np.ndarray:
        """Terms in each text, repetitions included: (N,) float32."""
        return np.bincount(self.row_of, weights=self.counts, minlength=len(self)).astype(np.float32)

    @cached_property
    def document_frequency(self) -> np.ndarray:
        """In how many texts each term occurs: (V,) int64."""
        return np.bincount(self.term_ids, minlength=len(self.vocabulary))

    @cached_property
    def by_term(self) -> tuple[np.ndarray, np.ndarray]:
        """The same pairs in order of their term: `order` (P,) and where each term's pairs begin (V + 1,)."""
        order = np.argsort(self.term_ids, kind="stable")
        return order, np.concatenate([[0], np.cumsum(self.document_frequency)])

    def query(self, terms: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
        """Ids and counts of a query's terms, those that no text has left out: (T,) int64, (T,) float32."""
        known = Counter(self.id_of[term] for term in terms if term in self.id_of)
        return np.array(list(known), np.int64), np.array(list(known.values()), np.float32)

    def terms_of(self, row: int) -> dict[str, int]:
        """The counted terms of one text."""
        span = slice(self.row_starts[row], self.row_starts[row + 1])
        return {self.vocabulary[i]: int(n) for i, n in zip(self.term_ids[span], self.counts[span], strict=True)}

    def rows(self, chosen: Sequence[int] | np.ndarray) -> "TermCounts":
        """The table of the chosen texts alone, over the same vocabulary."""
        spans = [np.arange(self.row_starts[row], self.row_starts[row + 1]) for row in chosen]
        pairs = np.concatenate([np.zeros(0, np.int64), *spans])
        row_starts = np.cumsum([0, *map(len, spans)])
        return TermCounts(self.vocabulary, row_starts, self.term_ids[pairs], self.counts[pairs])

    def followed_by(self, other: "TermCounts") -> "TermCounts":
        """Both tables as one; terms that no text has any more are dropped."""
        id_of = dict(self.id_of)
        theirs = np.array([id_of.setdefault(term, len(id_of)) for term in other.vocabulary], np.int64)
        used, term_ids = np.unique(np.concatenate([self.term_ids, theirs[other.term_ids]]), return_inverse=True)
        vocabulary = list(id_of)
        return TermCounts(
            [vocabulary[i] for i in used],
            np.concatenate([self.row_starts, self.row_starts[-1] + other.row_starts[1:]]),
            term_ids.astype(np.int32),
            np.concatenate([self.counts, other.counts]),
        )
