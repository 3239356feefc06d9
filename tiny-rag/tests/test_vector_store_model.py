"""The store against two witnesses: a dict for its contents, a full float64 product and a stable sort for its search."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tiny_rag import exact_search, segment
from tiny_rag.vector_store import VectorStore


def witness(ids: list[str], vectors_RD: np.ndarray, query_D: np.ndarray, k: int) -> tuple[list[float], list[str]]:
    """Score everything in float64, sort everything."""
    scores_R = (vectors_RD.astype(np.float64) @ query_D.astype(np.float64)).astype(np.float32)
    best = np.argsort(-scores_R, kind="stable")[:k]
    return scores_R[best].tolist(), [ids[row] for row in best]


@pytest.fixture(scope="module", autouse=True)
def small_blocks():
    """So that a dozen rows already fill several blocks, strips and groups of queries."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segment, "BLOCK", 4)
        patch.setattr(exact_search, "BLOCK", 4)
        patch.setattr(exact_search, "ROWS_AT_ONCE", 8)
        patch.setattr(exact_search, "QUERIES_AT_ONCE", 3)
        patch.setattr(exact_search, "MATRIX_FROM", 2)
        yield


IDS = st.text("ab文 \U0001f600", min_size=1, max_size=2)
SMALL = st.integers(-2, 2)  # few values: many ties
ROWS = st.lists(st.tuples(IDS, st.tuples(SMALL, SMALL, SMALL)), max_size=12)
META = st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3), max_size=2)


class StoreAndDict(RuleBasedStateMachine):
    @initialize()
    def create(self):
        self.folder = tempfile.TemporaryDirectory()
        self.store = VectorStore(Path(self.folder.name) / "store", 3)
        self.model: dict[str, tuple[tuple[int, int, int], dict]] = {}
        self.meta: dict = {}
        self.version = 0

    def expect(self, rows, delete=(), replace=False):
        """The dict's side of a commit; returns the arguments for the store's side."""
        self.version += 1
        if replace:
            self.model.clear()
        for id in delete:
            self.model.pop(id, None)
        for id, vector in rows:
            self.model.pop(id, None)
            self.model[id] = (vector, {"version": self.version, "id": id})
        payloads = [{"version": self.version, "id": id} for id, _ in rows]
        return [id for id, _ in rows], np.array([vector for _, vector in rows]).reshape(-1, 3), payloads

    @rule(rows=ROWS)
    def add(self, rows):
        self.store.add(*self.expect(rows))

    @rule(ids=st.lists(IDS, max_size=4))
    def delete(self, ids):
        expected = sum(id in self.model for id in set(ids))
        self.expect([], ids)
        assert self.store.delete(ids) == expected

    @rule(rows=ROWS, delete=st.lists(IDS, max_size=3), meta=st.none() | META, replace=st.booleans())
    def commit(self, rows, delete, meta, replace):
        self.store.commit(*self.expect(rows, delete, replace), delete=delete, meta=meta, replace=replace)
        self.meta = self.meta if meta is None else meta

    @rule()
    def compact(self):
        self.store.compact()

    @rule()
    def reopen(self):
        self.store.close()
        self.store = VectorStore(self.store.path, 3)

    @rule(queries=st.lists(st.tuples(SMALL, SMALL, SMALL), min_size=1, max_size=5), k=st.integers(1, 20))
    def search(self, queries, k):
        scores, ids = self.store.search(np.array(queries), k)
        vectors = np.array([vector for vector, _ in self.model.values()]).reshape(-1, 3)
        for query, row_scores, row_ids in zip(queries, scores.tolist(), ids, strict=True):
            assert (row_scores, row_ids) == witness(list(self.model), vectors, np.array(query), k)

    @invariant()
    def same_contents(self):
        ids = list(self.model)
        assert self.store.ids() == ids
        assert len(self.store) == len(ids)
        assert [tuple(vector) for vector in self.store.vectors(ids).tolist()] == [v for v, _ in self.model.values()]
        assert self.store.payloads(ids) == [payload for _, payload in self.model.values()]
        assert self.store.meta == self.meta

    def teardown(self):
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()


TestStoreAndDict = StoreAndDict.TestCase
TestStoreAndDict.settings = settings(max_examples=40, stateful_step_count=25, deadline=None, derandomize=True)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(1, 120),
    dim=st.integers(1, 40),
    k=st.integers(1, 130),
    scale=st.sampled_from([1e-30, 1e-18, 1.0, 1e17]),
    kinds=st.integers(1, 120),
)
def test_search_equals_scoring_and_sorting_everything(seed, rows, dim, k, scale, kinds):
    """Many equal vectors, deleted rows, several segments; from tiny numbers to nearly too large ones."""
    rng = np.random.default_rng(seed)
    distinct = rng.standard_normal((kinds, dim)).astype(np.float32)
    vectors = distinct[rng.integers(kinds, size=rows)] * np.float32(scale / np.linalg.norm(distinct, axis=1).max())
    queries = rng.standard_normal((4, dim)).astype(np.float32)
    ids = [f"id-{row}" for row in range(rows)]
    with tempfile.TemporaryDirectory() as folder, VectorStore(folder, dim) as store:
        for part in np.array_split(np.arange(rows), 3):
            store.add([ids[row] for row in part], vectors[part])
        gone = {ids[row] for row in np.flatnonzero(rng.random(rows) < 0.3)}
        store.delete(gone)
        kept = [row for row in range(rows) if ids[row] not in gone]
        scores, found = store.search(queries, k)
        for query, row_scores, row_ids in zip(queries, scores, found, strict=True):
            expected = witness([ids[row] for row in kept], vectors[kept], query, k)
            assert row_ids == expected[1]
            np.testing.assert_allclose(row_scores, expected[0], rtol=2e-7)
