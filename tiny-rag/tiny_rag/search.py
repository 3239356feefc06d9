"""Search an index: BM25, dense or both together, with filters and diversity.

A `Searcher` holds one snapshot of the index. Records of a collection (`_id`) are found once each, by their best
passage; of an ordinary file, several passages may be found.
"""

import fnmatch
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .bm25 import BM25, best
from .embedder import LSA, Embedder
from .hybrid import Moments, fuse
from .index import IndexProblem, load_terms, open_index
from .leg_weight import Evidence
from .mmr import diversify
from .passages import Passage

MODES = ("hybrid", "dense", "bm25")
CANDIDATES = 100  # of each leg at least; the fused best are among them in practice


@dataclass(frozen=True)
class Hit:
    """A passage that was found; `score` is comparable within one search only."""

    rank: int
    score: float
    passage: Passage

    def as_json(self) -> dict[str, Any]:
        """The form that `search --json` prints."""
        passage = self.passage
        return {
            "rank": self.rank,
            "score": round(self.score, 6),
            "id": passage.record if passage.record is not None else passage.id,
            "source": passage.source,
            "start": passage.start,
            "end": passage.end,
            "text": passage.text,
            "page": passage.page,
            "heading": list(passage.heading),
        }


class Searcher:
    """`Searcher(folder).search("a question", k=5)` → hits, best first.

    `connect` makes the embedder of an index that was built with a server's ("api:model").
    """

    def __init__(self, folder: str | Path, connect: Callable[[str], Embedder] | None = None):
        generation = -1
        while True:
            self.store = open_index(Path(folder))
            last, generation = generation, self.store.generation
            try:
                self._load()
                break
            except FileNotFoundError as error:  # a writer's commit came between? then there is a newer state now
                self.store.close()
                if generation == last:
                    raise IndexProblem(f"{error.filename} is missing; build the index anew with --rebuild") from None
        self._connect = connect
        self._embedder: Embedder | None = None

    def _load(self) -> None:
        counts, self.ids = load_terms(self.store)
        self.row_of = {id: row for row, id in enumerate(self.ids)}
        self.bm25 = BM25.from_counts(counts)
        self.evidence = Evidence(**self.store.meta["evidence"])
        with np.load(self.store.files["moments"], allow_pickle=False) as parts:
            self.moments = Moments(parts["mean"], parts["covariance"])
        self._lsa: dict[str, np.ndarray] = {}
        if "lsa" in self.store.files:  # read now: the next commit may delete the file
            with np.load(self.store.files["lsa"], allow_pickle=False) as parts:
                self._lsa = dict(parts)

    @property
    def passport(self) -> dict[str, str]:
        """What the index was built with."""
        found: dict[str, str] = self.store.meta["passport"]
        return found

    @property
    def embedder(self) -> Embedder:
        """The embedder that the index was built with."""
        if self._embedder is None:
            name = self.passport["embedder"]
            if self._lsa:
                self._embedder = LSA.from_parts(self.bm25.counts, **self._lsa)
            elif self._connect is None:
                raise IndexProblem(f"this index needs the embedder {name}; configure its server, or use --mode bm25")
            else:
                self._embedder = self._connect(name)
        return self._embedder

    def close(self) -> None:
        """Release the store's files."""
        self.store.close()

    def __enter__(self) -> "Searcher":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def search(
        self,
        query: str,
        k: int = 5,
        mode: str = "hybrid",
        where: Mapping[str, str] | None = None,
        diversity: float = 0.0,
    ) -> list[Hit]:
        """The best `k` passages. `where`: field to pattern, such as {"source": "*.md"}; `diversity`: see `mmr.py`."""
        if mode not in MODES:
            raise IndexProblem(f"mode must be one of {', '.join(MODES)} (got {mode!r})")
        if k < 1:
            raise IndexProblem(f"k must be at least 1 (got {k})")
        allowed = self._allowed(where) if where else None
        depth = max(CANDIDATES, 10 * k)
        while True:
            rows, scores = self.rank(query, depth, mode, allowed)
            passages = [Passage.from_payload(id, values or {}) for id, values in self._payloads(rows)]
            first_of: dict[str, int] = {}
            for position, passage in enumerate(passages):
                key = passage.id if passage.record is None else f"{passage.source}\n{passage.record}"
                first_of.setdefault(key, position)
            if len(first_of) >= k or depth >= len(self.ids):
                break
            depth *= 4  # passages of few records crowd the others out
        order = list(first_of.values())
        if diversity:
            vectors = self.store.vectors([self.ids[rows[position]] for position in order])
            order = [order[i] for i in diversify(scores[order], vectors, k, diversity)]
        return [Hit(rank, float(scores[i]), passages[i]) for rank, i in enumerate(order[:k], start=1)]

    def _payloads(self, rows: np.ndarray) -> list[tuple[str, dict[str, Any] | None]]:
        ids = [self.ids[row] for row in rows]
        return list(zip(ids, self.store.payloads(ids), strict=True))

    def rank(self, query: str, k: int, mode: str, allowed: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the term table and their scores, best first; only rows that match the query in some way."""
        keyword_N = self.bm25.scores(query)
        considered_N = keyword_N if allowed is None else np.where(allowed, keyword_N, 0)
        by_keyword = best(considered_N, k)
        by_keyword = by_keyword[considered_N[by_keyword] > 0]
        if mode == "bm25":
            return by_keyword, keyword_N[by_keyword]
        query_D = self.embedder.embed([query])[0]
        if not query_D.any():  # no word of the query is known: nothing is close to it in meaning either
            return by_keyword, keyword_N[by_keyword]
        if allowed is None:
            _, (ids,) = self.store.search(query_D[None], k)
            by_meaning = np.array([self.row_of[id] for id in ids], np.int64)
        else:
            by_meaning = np.flatnonzero(allowed)
        candidates = by_meaning if mode == "dense" else np.union1d(by_meaning, by_keyword)
        dense_C = self.store.vectors([self.ids[row] for row in candidates]) @ query_D
        if mode == "dense":
            scores_C = dense_C
        else:
            mean, deviation = self.moments.of_scores(query_D)
            scores_C = fuse(keyword_N, candidates, dense_C, mean, deviation, self.evidence.dense_weight)
        order = best(scores_C, k) if len(scores_C) else candidates
        return candidates[order], scores_C[order]

    def _allowed(self, where: Mapping[str, str]) -> np.ndarray:
        """Which rows have the wanted metadata: (N,) bool."""
        allowed = np.zeros(len(self.ids), bool)
        known: set[str] = set()
        for row, (_, values) in enumerate(self._payloads(np.arange(len(self.ids)))):
            passage = Passage.from_payload(self.ids[row], values or {})
            fields = {
                **passage.metadata,
                "source": passage.source,
                "title": passage.title,
                "record": passage.record,
                "page": passage.page,
                "heading": " > ".join(passage.heading),
            }
            known |= fields.keys()
            allowed[row] = where.keys() <= fields.keys() and all(
                fnmatch.fnmatchcase(str(fields[key]), pattern) for key, pattern in where.items()
            )
        if strangers := sorted(where.keys() - known):
            raise IndexProblem(f"no passage has a field {strangers[0]!r}; there are {', '.join(sorted(known))}")
        return allowed
