"""BM25 beside bm25s: queries a second, k=10, one thread each.

Both index the same terms (ours), so both find the same texts. The documents are made up, some 80 words each, and a
query is three to eight words of one of them. With `--data DIR`: also Tang poems, if they are there
(`tang_poems.jsonl.gz`), and a query is the last line of one.
"""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from unittest.mock import patch

import bm25s
import numpy as np
from tiny_shared.benchmarks import Row, command, in_turn, speed

from benchmarks.bench_chunker import POEMS, tang_poems
from benchmarks.texts import documents, keyword_queries
from tiny_rag.analysis import terms
from tiny_rag.bm25 import BM25, K1, B
from tiny_rag.term_counts import TermCounts

TEXTS, QUERIES, K, ROUNDS = 50_000, 200, 10, 5


def run(data: Path | None = None, scale: float = 1.0) -> list[Row]:
    """Queries as text and as terms, theirs one by one and all at once."""
    n_texts, n_queries = max(int(TEXTS * scale), 2 * K), max(int(QUERIES * scale), 5)
    rows: list[Row] = []
    for name, texts, queries in collections(data, n_texts, n_queries):
        what = f"{len(texts):,} {name}, {len(queries)} queries"
        rows += compared(what, texts, queries, command("tiny-rag", "bm25", data))
    return rows


def collections(data: Path | None, n_texts: int, n_queries: int) -> Iterator[tuple[str, list[str], list[str]]]:
    made_up = documents(n_texts)
    yield "made-up documents", made_up, keyword_queries(made_up, n_queries)
    if data is not None and (data / POEMS).exists():
        poems = tang_poems(data)[:n_texts]
        chosen = np.random.default_rng(3).integers(len(poems), size=n_queries)
        yield "Tang poems", poems, [poems[row].splitlines()[-1] for row in chosen]


def compared(what: str, texts: list[str], queries: list[str], command: str) -> Iterator[Row]:
    analysed = [terms(text) for text in texts]
    index = BM25.from_counts(TermCounts.from_terms(analysed))
    known = index.counts.id_of
    terms_of = {query: [term for term in terms(query, known) if term in known] for query in queries}

    for backend in ("numpy", "numba") if find_spec("numba") else ("numpy",):
        peer = bm25s.BM25(method="lucene", k1=K1, b=B, backend=backend)
        peer.index(analysed, show_progress=False)
        name = f"bm25s {bm25s.__version__} ({backend})"

        def find(queries: list[list[str]], peer: bm25s.BM25 = peer) -> object:
            return peer.retrieve(queries, k=K, n_threads=1, show_progress=False)

        def search() -> object:
            return [index.search(query, K) for query in queries]

        seconds = in_turn(search, lambda: [find([terms(query, known)]) for query in queries], ROUNDS)
        yield speed(f"{what} as text, analysis included", len(queries), "queries/s", name, seconds, command)
        with patch("tiny_rag.bm25.terms", lambda query, known: terms_of[query]):  # what remains is scoring and ranking
            seconds = in_turn(search, lambda: [find([terms_of[query]]) for query in queries], ROUNDS)
            yield speed(f"{what} as terms", len(queries), "queries/s", name, seconds, command)
            seconds = in_turn(search, lambda: find([terms_of[query] for query in queries]), ROUNDS)
            yield speed(f"{what} as terms, theirs in one call", len(queries), "queries/s", name, seconds, command)
