"""Exact vector search beside faiss.IndexFlatIP: queries a second, one thread each.

Vectors are random and of length 1; both find the same neighbours, so only the time differs.
"""

import tempfile
from collections.abc import Iterator

import faiss
import numpy as np
from tiny_shared.benchmarks import Row, command, in_turn, speed

from tiny_rag.vector_store import VectorStore

ROWS, DIM, K, BATCH = 100_000, 384, 10, 64


def run(scale: float = 1.0) -> list[Row]:
    """One by one and in batches, before and after three in ten are deleted."""
    faiss.omp_set_num_threads(1)
    n_rows = max(int(ROWS * scale), 10)
    rng = np.random.default_rng(0)
    vectors = unit_length(rng.standard_normal((n_rows, DIM), dtype=np.float32))
    queries = unit_length(rng.standard_normal((BATCH, DIM), dtype=np.float32))
    ids = [f"id-{row}" for row in range(n_rows)]
    flat = faiss.IndexFlatIP(DIM)
    flat.add(vectors)
    with tempfile.TemporaryDirectory() as folder, VectorStore(folder, DIM) as store:
        store.add(ids, vectors)
        rows = list(compared("", store, flat, queries))
        gone = np.arange(n_rows) % 10 < 3  # just too few for the store to rewrite itself
        store.delete([ids[row] for row in np.flatnonzero(gone)])
        left = faiss.IndexFlatIP(DIM)
        left.add(vectors[~gone])
        rows += compared("; 30% deleted, faiss rebuilt without them", store, left, queries)
    return rows


def compared(note: str, store: VectorStore, flat: faiss.IndexFlatIP, queries: np.ndarray) -> Iterator[Row]:
    for name, parts, rounds in (("one by one", np.split(queries[:8], 8), 15), (f"batches of {BATCH}", [queries], 9)):

        def ours(parts: list[np.ndarray] = parts) -> list[str]:
            return [ids[0] for part in parts for ids in store.search(part, K)[1]]

        def theirs(parts: list[np.ndarray] = parts) -> list[np.ndarray]:
            return [flat.search(part, K)[1] for part in parts]

        yield speed(
            f"exact search, {len(store):,} × {DIM}, k={K}, {name}{note}",
            sum(map(len, parts)),
            "queries/s",
            f"faiss {faiss.__version__}",
            in_turn(ours, theirs, rounds),
            command("tiny-rag", "vector_search"),
        )


def unit_length(vectors_RD: np.ndarray) -> np.ndarray:
    return vectors_RD / np.linalg.norm(vectors_RD, axis=1, keepdims=True)
