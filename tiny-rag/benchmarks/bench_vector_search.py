"""Exact vector search beside faiss.IndexFlatIP: in turn, in one run, medians, one thread each.

python benchmarks/bench_vector_search.py
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypedDict

import faiss
import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from tiny_rag.threads import limit_threads
from tiny_rag.vector_store import VectorStore

ROWS, DIM, K, BATCH = 100_000, 384, 10, 64
COMMAND = "python benchmarks/bench_vector_search.py"


class Row(TypedDict):
    what: str
    ours: float
    peer: float
    ratio: float
    unit: str
    command: str


def run() -> list[Row]:
    """Queries per second of the store and of faiss; the ratio is ours / theirs."""
    faiss.omp_set_num_threads(1)
    rng = np.random.default_rng(0)
    vectors = unit_length(rng.standard_normal((ROWS, DIM), dtype=np.float32))
    queries = unit_length(rng.standard_normal((BATCH, DIM), dtype=np.float32))
    ids = [f"id-{row}" for row in range(ROWS)]
    flat = faiss.IndexFlatIP(DIM)
    flat.add(vectors)
    with limit_threads(1), tempfile.TemporaryDirectory() as folder, VectorStore(folder, DIM) as store:
        store.add(ids, vectors)
        rows = list(compared("", store, flat, queries))
        gone = np.arange(ROWS) % 10 < 3  # just too few for the store to rewrite itself
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

        our_seconds, their_seconds = in_turn(ours, theirs, rounds)
        count = sum(len(part) for part in parts)
        yield Row(
            what=f"exact search, {len(store):,} × {DIM}, k={K}, {name}, 1 thread{note}",
            ours=count / our_seconds,
            peer=count / their_seconds,
            ratio=their_seconds / our_seconds,
            unit="queries/s",
            command=COMMAND,
        )


def in_turn(ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Median seconds of each, called alternately, so that a noisy moment of the machine hits both."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for function in (ours, theirs):
        function()  # the first call reads the files and starts the threads
    for _ in range(rounds):
        for function, times in zip((ours, theirs), seconds, strict=True):
            start = time.perf_counter()
            function()
            times.append(time.perf_counter() - start)
    return statistics.median(seconds[0]), statistics.median(seconds[1])


def unit_length(vectors_RD: np.ndarray) -> np.ndarray:
    return vectors_RD / np.linalg.norm(vectors_RD, axis=1, keepdims=True)


def main() -> None:
    print(f"| what | ours | faiss {faiss.__version__} | ratio | command |\n|---|---|---|---|---|")
    for row in run():
        ours, peer = (f"{row[side]:,.0f} {row['unit']}" for side in ("ours", "peer"))
        print(f"| {row['what']} | {ours} | {peer} | {row['ratio']:.2f}× | `{row['command']}` |")


if __name__ == "__main__":
    main()
