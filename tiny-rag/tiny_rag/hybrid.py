"""One ranking from two: keyword scores (BM25) and dense scores (embeddings) added in a common unit.

BM25's scores are sums of weights, the embedder's are cosines. So each is standardised over all texts first: by how many
standard deviations does this text stand out? Then they are added, with the weight that `leg_weight.py` has chosen.

Shapes: N texts, D dimensions, C candidates.
"""

from dataclasses import dataclass

import numpy as np


def fuse(
    keyword_N: np.ndarray,
    candidates_C: np.ndarray,
    dense_C: np.ndarray,
    dense_mean: float,
    dense_deviation: float,
    weight: float,
) -> np.ndarray:
    """The candidates' common scores: (C,).

    `keyword_N` are BM25's scores of all texts. Of the dense scores only the candidates' are needed: mean and deviation
    over all texts come from `Moments`.
    """
    keyword_C = standardise(keyword_N[candidates_C], float(keyword_N.mean()), float(keyword_N.std()))
    return (1 - weight) * keyword_C + weight * standardise(dense_C, dense_mean, dense_deviation)


def standardise(scores: np.ndarray, mean: float, deviation: float) -> np.ndarray:
    """By how many standard deviations each score stands out; nothing does if all scores are the same."""
    return (scores - mean) / deviation if deviation > 1e-9 else np.zeros_like(scores)


@dataclass(frozen=True)
class Moments:
    """Mean and covariance of all vectors: they give mean and spread of a query's scores without scoring all texts."""

    mean_D: np.ndarray
    covariance_DD: np.ndarray

    @classmethod
    def of(cls, vectors_ND: np.ndarray) -> "Moments":
        """Of the rows of a matrix."""
        mean_D = vectors_ND.mean(axis=0) if len(vectors_ND) else np.zeros(vectors_ND.shape[1], np.float32)
        second_DD = vectors_ND.T @ vectors_ND / max(len(vectors_ND), 1)
        return cls(mean_D, second_DD - np.outer(mean_D, mean_D))

    def of_scores(self, query_D: np.ndarray) -> tuple[float, float]:
        """Mean and standard deviation of `vectors @ query`."""
        variance = float(query_D @ self.covariance_DD @ query_D)
        return float(query_D @ self.mean_D), max(variance, 0.0) ** 0.5
