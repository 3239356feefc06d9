"""Latent semantic analysis (Deerwester et al. 1990): a dense embedding fitted on the user's own texts.

A text is a row of term weights, tens of thousands of numbers, almost all zero. The singular value decomposition
finds the few directions ("topics") along which the rows differ most; a text becomes its coordinates there. Words
that keep the same company ("slipstream", "propeller") end up close together, so a text can be found by a word that
it doesn't contain. No weights to download, no key, any language that has words.

Shapes: N texts, V terms, K topics, P pairs (text, term) that occur, R rows, D columns.
"""

from collections.abc import Sequence

import numpy as np

from .analysis import terms
from .bm25 import idf, saturated
from .term_counts import TermCounts

TOPICS = 200
OVERSAMPLING, POWER_ITERATIONS = 60, 8  # Halko et al. 2011, section 4.5: both sharpen the random first guess
FIT_ROWS = 20_000  # topics are learned from at most so many texts; the others are only projected on them


class LSA:
    """`LSA().fit(texts).embed(["a question"])` → float32 rows of length 1."""

    def __init__(self, dim: int = TOPICS, seed: int = 0):
        if dim < 1:
            raise ValueError(f"dim must be at least 1 (got {dim})")
        self.dim, self.seed = dim, seed
        self._learn(TermCounts.from_terms([]), np.zeros(0, np.int64), np.zeros((0, dim), np.float32))

    @property
    def name(self) -> str:
        """How the embedder is called on the command line and in an index's passport."""
        return f"lsa-{self.dim}"

    def fit(self, texts: Sequence[str]) -> "LSA":
        """Learn the topics of these texts."""
        return self.fit_counts(TermCounts.from_terms(terms(text) for text in texts))

    def fit_counts(self, counts: TermCounts) -> "LSA":
        """Learn the topics of texts that are counted already."""
        sample_S = np.arange(len(counts))
        if len(counts) > FIT_ROWS:
            sample_S = np.sort(np.random.default_rng(self.seed).choice(len(counts), FIT_ROWS, replace=False))
        self._learn(counts, sample_S, None)
        return self

    def _learn(self, counts: TermCounts, sample_S: np.ndarray, loadings_SK: np.ndarray | None) -> None:
        self.vocabulary = counts.id_of
        self.idf_V = idf(counts.document_frequency, len(counts))
        self.mean_length = float(counts.lengths.mean()) if len(counts) else 1.0
        self.sample_S = sample_S
        fitted = counts if len(sample_S) == len(counts) else counts.rows(sample_S)
        weight_P = self._unit_weights(fitted)
        order_P, self._term_starts = fitted.by_term
        self._rows_by_term, self._weights_by_term = fitted.row_of[order_P], weight_P[order_P]
        if loadings_SK is None:
            loadings_SK = left_loadings(fitted, weight_P, self.dim, self.seed)
        self.loadings_SK = loadings_SK

    def parts(self) -> dict[str, np.ndarray]:
        """What `from_parts` needs besides the counts: two small arrays instead of a row of topics for every term."""
        return {"sample": self.sample_S, "loadings": self.loadings_SK, "seed": np.array(self.seed)}

    @classmethod
    def from_parts(cls, counts: TermCounts, sample: np.ndarray, loadings: np.ndarray, seed: np.ndarray) -> "LSA":
        """The fitted embedder again, from the counts that it was fitted on and its `parts`."""
        embedder = cls(loadings.shape[1], int(seed))
        embedder._learn(counts, sample, loadings)
        return embedder

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """One row of length 1 a text; a text without a known term gives zeros: (N, K) float32."""
        return unit_rows(self.project(texts))

    def project(self, texts: Sequence[str]) -> np.ndarray:
        """As `embed`, but a row is as long as the share of its text that the topics can express, from 0 to 1."""
        known = (terms(text, self.vocabulary) for text in texts)
        return self.project_counts(TermCounts.from_terms(known, self.vocabulary))

    def project_counts(self, counts: TermCounts) -> np.ndarray:
        """As `project`, for texts that are counted already, over the vocabulary of the fit."""
        used, places = np.unique(counts.term_ids, return_inverse=True)
        return product(counts.row_starts, places, self._unit_weights(counts), self.topics_of(used))

    def embed_counts(self, counts: TermCounts) -> np.ndarray:
        """As `embed`, for texts that are counted already, over the vocabulary of the fit."""
        return unit_rows(self.project_counts(counts))

    def topics_of(self, term_ids: np.ndarray) -> np.ndarray:
        """Where terms lie among the topics, which is where the texts lie that they occur in: (terms, K) float32."""
        sizes = np.diff(self._term_starts)[term_ids]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        pairs = np.arange(starts[-1]) + np.repeat(self._term_starts[term_ids] - starts[:-1], sizes)
        return product(starts, self._rows_by_term[pairs], self._weights_by_term[pairs], self.loadings_SK)

    def _unit_weights(self, counts: TermCounts) -> np.ndarray:
        """BM25's weights, each text scaled to length 1, so that long texts don't claim the topics: (P,) float32."""
        weight_P = self.idf_V[counts.term_ids] * saturated(counts, self.mean_length)
        length_N = np.sqrt(np.bincount(counts.row_of, weights=weight_P**2, minlength=len(counts)))
        return (weight_P / np.maximum(length_N, 1e-12)[counts.row_of]).astype(np.float32)


def left_loadings(counts: TermCounts, weight_P: np.ndarray, k: int, seed: int) -> np.ndarray:
    """U/S of the truncated singular value decomposition A ≈ U S Vᵀ of a sparse matrix: (N, k) float32.

    The topics are V = Aᵀ (U/S). V has a row for each of perhaps 100,000 terms, U/S only one for each text.

    Subspace iteration from a random start (Halko, Martinsson & Tropp 2011, algorithm 4.4): multiplying by A and Aᵀ
    stretches the directions in which the texts differ most, and QR keeps them apart. Columns beyond the rank are 0.
    """
    order_P, term_starts = counts.by_term
    row_of_P, weight_by_term_P = counts.row_of[order_P], weight_P[order_P]
    loadings_NK = np.zeros((len(counts), k), np.float32)
    width = min(k + OVERSAMPLING, len(counts), len(counts.vocabulary))
    if not width:
        return loadings_NK
    guess_ND = np.random.default_rng(seed).standard_normal((len(counts), width), np.float32)
    basis_ND = np.linalg.qr(guess_ND)[0]
    for _ in range(POWER_ITERATIONS):
        image_VD = product(term_starts, row_of_P, weight_by_term_P, basis_ND)
        basis_ND = np.linalg.qr(product(counts.row_starts, counts.term_ids, weight_P, image_VD))[0]
    # Seen from the basis, the matrix has only D rows: its directions are those of a D × D problem
    image_VD = product(term_starts, row_of_P, weight_by_term_P, basis_ND)
    squared_D, rotation_DD = np.linalg.eigh((image_VD.T @ image_VD).astype(np.float64))
    largest = np.argsort(-squared_D)[:k]
    largest = largest[squared_D[largest] > 1e-8 * squared_D[largest[0]]]
    loadings_NK[:, : len(largest)] = basis_ND @ (rotation_DD[:, largest] / np.sqrt(squared_D[largest]))
    return loadings_NK


def product(row_starts: np.ndarray, columns: np.ndarray, values: np.ndarray, dense: np.ndarray) -> np.ndarray:
    """A sparse matrix (CSR: see `term_counts.py`) times a dense one: (R, D) float32."""
    result = np.zeros((len(row_starts) - 1, dense.shape[1]), np.float32)
    sizes = np.diff(row_starts)
    single = np.flatnonzero(sizes == 1)  # most words occur in one text only: do those rows at once
    result[single] = values[row_starts[single], None] * dense[columns[row_starts[single]]]
    for row in np.flatnonzero(sizes > 1):
        span = slice(row_starts[row], row_starts[row + 1])
        result[row] = values[span] @ dense[columns[span]]
    return result


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Each row scaled to length 1; zeros stay zeros."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
