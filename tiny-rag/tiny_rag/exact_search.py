"""Exact nearest neighbours by inner product: blocked matrix products, then a partial selection.

Float32 products are fast but their last digits depend on how BLAS happens to order a sum. So they only choose the
candidates, with a margin for their rounding error (Higham 2002, §3.1); these few are scored again in float64. The
result is that of scoring everything in float64: equal vectors get equal scores, and ties keep their order.

Shapes: Q queries, D dimensions, R rows, K results.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from .segment import BLOCK, Segment

QUERIES_AT_ONCE = 64
ROWS_AT_ONCE = 16 * BLOCK  # 64 queries × 65,536 rows of float32 scores are 16 MB, and stay in the last cache
MATRIX_FROM = 8  # fewer queries than this are faster as vector-matrix products, one by one
TINY = float(np.finfo(np.float32).tiny)
LOWEST = float(np.finfo(np.float32).min)


def top_k(segments: Sequence[Segment], queries_QD: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k best live rows for each query, best first: scores float32 (Q, K) and row numbers int64 (Q, K).

    Rows are numbered through all segments in order; K = min(k, live rows). Equal scores: the lower row number first.
    """
    k = min(k, sum(segment.live for segment in segments))
    scores_QK = np.empty((len(queries_QD), k), dtype=np.float32)
    rows_QK = np.empty((len(queries_QD), k), dtype=np.int64)
    if k:
        for start in range(0, len(queries_QD), QUERIES_AT_ONCE):
            group_QD = queries_QD[start : start + QUERIES_AT_ONCE]
            for offset, candidates in enumerate(find_candidates(segments, group_QD, k)):
                scores = exact_scores(segments, candidates, group_QD[offset])
                best = np.lexsort((candidates, -scores))[:k]
                scores_QK[start + offset], rows_QK[start + offset] = scores[best], candidates[best]
    return scores_QK, rows_QK


def find_candidates(segments: Sequence[Segment], queries_QD: np.ndarray, k: int) -> list[np.ndarray]:
    """For each query the row numbers, ascending, that hold the true top k (and usually hardly more)."""
    n_queries, dim = queries_QD.shape
    norms_Q = np.linalg.norm(queries_QD.astype(np.float64), axis=1)
    largest_norm = max(segment.record.largest_norm for segment in segments)
    # A float32 sum of D products errs by at most D·2⁻²⁴·|q||x|: two scores closer than twice that may be swapped.
    margins_Q = 2 * (dim + 4) * 2.0**-24 * norms_Q * largest_norm + dim * TINY

    floors_Q = np.full(n_queries, LOWEST)
    found_Q: list[list[tuple[np.ndarray, np.ndarray]]] = [[] for _ in range(n_queries)]
    for first_row, scores_QR in score_strips(segments, queries_QD):
        for q, scores_R in enumerate(scores_QR):
            floors_Q[q] = max(floors_Q[q], below_kth(scores_R, k) - margins_Q[q])
            rows = np.flatnonzero(scores_R >= np.float32(floors_Q[q]))
            found_Q[q].append((first_row + rows, scores_R[rows]))

    candidates_Q = []
    for q, found in enumerate(found_Q):
        rows, scores = (np.concatenate(parts) for parts in zip(*found, strict=True))
        if norms_Q[q] == 0:  # a query of zeros scores 0 everywhere: a tie of all rows, won by the first ones
            candidates_Q.append(rows[:k])
        else:
            floor = np.partition(scores, -k)[-k] - margins_Q[q]
            candidates_Q.append(rows[scores >= np.float32(floor)])
    return candidates_Q


def score_strips(segments: Sequence[Segment], queries_QD: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """(number of the first row, float32 scores (Q, R)) for strip after strip; deleted rows score -inf."""
    n_queries = len(queries_QD)
    widest = min(ROWS_AT_ONCE, max(segment.record.rows for segment in segments))
    buffer_QR = np.empty((n_queries, widest), dtype=np.float32)
    first_row = 0
    for segment in segments:
        for start in range(0, segment.record.rows, ROWS_AT_ONCE):
            width = min(ROWS_AT_ONCE, segment.record.rows - start)
            for left in range(0, width, BLOCK):
                block_DR = segment.block(start + left)
                scores_QR = buffer_QR[:, left : left + block_DR.shape[1]]
                if n_queries >= MATRIX_FROM:
                    np.matmul(queries_QD, block_DR, out=scores_QR)
                else:
                    for q in range(n_queries):
                        np.dot(queries_QD[q], block_DR, out=scores_QR[q])
            strip_QR = buffer_QR[:, :width]
            if segment.live < segment.record.rows:
                np.copyto(strip_QR, -np.inf, where=segment.dead[start : start + width])
            yield first_row + start, strip_QR
        first_row += segment.record.rows


def below_kth(scores_R: np.ndarray, k: int) -> float:
    """A cheap number that at least k scores reach: the k-th best of column maxima, seldom far below the k-th best.

    Folding 65,536 scores into 64 rows of 1,024 leaves 1,024 maxima to partition: 15 times less work.
    """
    if len(scores_R) < k:
        return LOWEST
    fold = max(1, min(64, len(scores_R) // (4 * k)))
    width = len(scores_R) // fold
    peaks = scores_R[: fold * width].reshape(fold, width).max(axis=0)
    return float(np.partition(peaks, width - k)[width - k])


def exact_scores(segments: Sequence[Segment], rows: np.ndarray, query_D: np.ndarray) -> np.ndarray:
    """Inner products of these rows (ascending) with the query, summed in float64 and rounded once to float32."""
    scores = np.empty(len(rows), dtype=np.float32)
    first_row = done = 0
    for segment in segments:
        end = int(np.searchsorted(rows, first_row + segment.record.rows))
        for start in range(done, end, BLOCK):
            part = slice(start, min(start + BLOCK, end))
            vectors_RD = segment.vectors(rows[part] - first_row).astype(np.float64)
            scores[part] = (vectors_RD * query_D).sum(axis=1)  # each row by itself, so equal rows give equal sums
        done, first_row = end, first_row + segment.record.rows
    return scores
