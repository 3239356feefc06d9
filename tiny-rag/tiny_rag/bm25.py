"""BM25 ranking (Robertson & Zaragoza 2009) over NumPy postings.

A text scores for a query, summed over the query's terms t,

    idf(t) · tf / (tf + k1 · (1 − b + b · length / mean length))

tf is how often t occurs in the text. The fraction saturates: the tenth occurrence adds less than the first (k1 says
how soon), and occurrences in a long text count less (b says how much). A text's part of that sum doesn't depend on
the query, so it's computed once, and a query only adds up the rows of its terms.

Shapes: N texts, V terms, P pairs (text, term) that occur.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from .analysis import terms
from .term_counts import TermCounts

K1, B = 1.5, 0.75
BLOCK = 256  # scores looked at together when the best are picked


def idf(document_frequency: np.ndarray, n_texts: int) -> np.ndarray:
    """Inverse document frequency as Lucene has it: rare terms weigh most, and none weighs less than nothing."""
    return np.log(1 + (n_texts - document_frequency + 0.5) / (document_frequency + 0.5)).astype(np.float32)


def saturated(counts: TermCounts, mean_length: float, k1: float = K1, b: float = B) -> np.ndarray:
    """tf as BM25 counts it, between 0 and 1: (P,) float32, in the table's order."""
    room = k1 * (1 - b + b * counts.lengths / max(mean_length, 1))
    return counts.counts / (counts.counts + room[counts.row_of])


class BM25:
    """An index over texts: `BM25(texts).search("query", 10)` → [(index, score), …], best first."""

    def __init__(self, texts: Iterable[str], k1: float = K1, b: float = B):
        self._build(TermCounts.from_terms(terms(text) for text in texts), k1, b)

    @classmethod
    def from_counts(cls, counts: TermCounts, k1: float = K1, b: float = B) -> "BM25":
        """Build from texts that are counted already."""
        index = cls.__new__(cls)
        index._build(counts, k1, b)
        return index

    def _build(self, counts: TermCounts, k1: float, b: float) -> None:
        if k1 < 0 or not 0 <= b <= 1:
            raise ValueError(f"k1 must be at least 0 and b between 0 and 1 (got {k1}, {b})")
        self.counts = counts
        order, self._starts = counts.by_term
        self._texts = counts.row_of[order].astype(
            np.intp
        )  # postings: the texts that have term t lie at _starts[t]:_starts[t + 1]
        idf_V = idf(counts.document_frequency, len(counts))
        mean_length = float(counts.lengths.mean()) if len(counts) else 1.0
        self._weights = (idf_V[counts.term_ids] * saturated(counts, mean_length, k1, b))[order]

    def scores(self, query: str) -> np.ndarray:
        """The score of every text: (N,) float32."""
        scores = np.zeros(len(self.counts), np.float32)
        for term, count in zip(*self.counts.query(terms(query, self.counts.id_of)), strict=True):
            posting = slice(self._starts[term], self._starts[term + 1])
            np.add.at(scores, self._texts[posting], count * self._weights[posting])
        return scores

    def search(self, query: str, k: int) -> list[tuple[int, float]]:
        """The best `k` texts that share a term with the query, as (index, score); ties in the texts' order."""
        scores = self.scores(query)
        return [(int(i), float(scores[i])) for i in best(scores, k) if scores[i] > 0]


def best(scores: Sequence[float] | np.ndarray, k: int) -> np.ndarray:
    """Indices of the `k` highest scores, best first; among equals the earlier index wins."""
    scores = np.asarray(scores)
    if k < 1:
        raise ValueError(f"k must be at least 1 (got {k})")
    candidates = np.arange(len(scores))
    n_blocks = len(scores) // BLOCK
    if n_blocks > k:  # the k-th best block maximum is a score that at least k texts reach: hardly more do
        peaks = scores[: n_blocks * BLOCK].reshape(n_blocks, BLOCK).max(axis=1)
        candidates = np.flatnonzero(scores >= np.partition(peaks, -k)[-k])
    return candidates[np.argsort(-scores[candidates], kind="stable")[:k]]
