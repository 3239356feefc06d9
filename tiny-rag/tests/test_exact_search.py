"""Search at its real block sizes, against faiss and against float64."""

import faiss
import numpy as np
import pytest

from tiny_rag.exact_search import below_kth
from tiny_rag.vector_store import VectorStore

ROWS, DIM = 70_000, 24  # more than one strip of 65,536 rows, and no multiple of a block


@pytest.fixture(scope="module")
def corpus():
    rng = np.random.default_rng(5)
    return rng.standard_normal((ROWS, DIM), dtype=np.float32), rng.standard_normal((70, DIM), dtype=np.float32)


@pytest.fixture(scope="module")
def store(corpus, tmp_path_factory):
    vectors, _ = corpus
    with VectorStore(tmp_path_factory.mktemp("exact"), DIM) as store:
        store.add([str(row) for row in range(60_000)], vectors[:60_000])
        store.add([str(row) for row in range(60_000, ROWS)], vectors[60_000:])
        yield store


@pytest.mark.parametrize("n_queries", [1, 3, 70])
@pytest.mark.parametrize("k", [1, 10, 1000])
def test_same_neighbours_as_faiss(store, corpus, n_queries, k):
    vectors, queries = corpus
    index = faiss.IndexFlatIP(DIM)
    index.add(vectors)
    theirs, rows = index.search(queries[:n_queries], k)
    ours, ids = store.search(queries[:n_queries], k)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    agree = np.mean(np.array(ids, dtype=np.int64) == rows)
    assert agree >= 0.99  # faiss sums in float32: it may swap neighbours that differ in the seventh digit


@pytest.mark.parametrize("every", [2, 4])  # half deleted: rewritten at once; a quarter: masked in the search
def test_deleted_rows_are_not_found(corpus, tmp_path, every):
    vectors, queries = corpus
    kept = [row for row in range(ROWS) if row % every]
    with VectorStore(tmp_path, DIM) as store:
        store.add([str(row) for row in range(ROWS)], vectors)
        size = (tmp_path / "seg-000001.f32").stat().st_size
        store.delete([str(row) for row in range(0, ROWS, every)])
        _, ids = store.search(queries[:9], 5)
    assert (sum(file.stat().st_size for file in tmp_path.glob("*.f32")) < size) == (every == 2)
    scores = queries[:9].astype(np.float64) @ vectors[kept].T.astype(np.float64)
    assert ids == [[str(kept[row]) for row in np.argsort(-row_scores)[:5]] for row_scores in scores]


def test_alone_or_in_a_batch_a_query_gets_the_same_scores(store, corpus):
    _, queries = corpus
    together, ids_together = store.search(queries, 20)
    for row, query in enumerate(queries[:5]):
        alone, ids_alone = store.search(query, 20)
        assert np.array_equal(alone[0], together[row])
        assert ids_alone[0] == ids_together[row]


@pytest.mark.parametrize("scale", [1e-24, 1, 1e15])
def test_differences_below_float32s_rounding_still_decide(tmp_path, scale):
    """All scores agree in six digits, where a float32 sum of 512 products is already noise."""
    rng = np.random.default_rng(1)
    query = rng.standard_normal(512).astype(np.float32)
    vectors = (scale * (query + 1e-6 * rng.standard_normal((6000, 512)))).astype(np.float32)
    with VectorStore(tmp_path, 512) as store:
        store.add([str(row) for row in range(6000)], vectors)
        scores, ids = store.search(query, 50)
    exact = vectors.astype(np.float64) @ query.astype(np.float64)
    order = np.argsort(-exact.astype(np.float32), kind="stable")[:50]
    assert ids == [[str(row) for row in order]]
    assert np.array_equal(scores[0], exact[order].astype(np.float32))


@pytest.mark.parametrize("n_queries", [1, 9])
def test_products_too_small_for_float32s_full_precision(tmp_path, n_queries):
    """Near 1e-44, float32 keeps one digit: every product is rounded coarsely, and the margin must allow for that."""
    rng = np.random.default_rng(3)
    queries = rng.standard_normal((n_queries, 64)).astype(np.float32)
    vectors = (1e-44 * rng.standard_normal((6000, 64))).astype(np.float32)
    with VectorStore(tmp_path, 64) as store:
        store.add([str(row) for row in range(6000)], vectors)
        _, ids = store.search(queries, 50)
    exact = (queries.astype(np.float64) @ vectors.T.astype(np.float64)).astype(np.float32)
    assert ids == [[str(row) for row in order] for order in np.argsort(-exact, kind="stable")[:, :50]]


def test_equal_vectors_keep_their_order_wherever_they_lie(tmp_path):
    """BLAS sums the last columns of a block in another order than the first: equal vectors, other last digits."""
    rng = np.random.default_rng(2)
    kinds = rng.standard_normal((7, 100)).astype(np.float32)
    rows = np.arange(9001) % 7
    with VectorStore(tmp_path, 100) as store:
        store.add([str(row) for row in range(9001)], kinds[rows])
        for queries in (kinds[:1], kinds.repeat(2, axis=0)):
            _, ids = store.search(queries, 900)
            for query, found in zip(queries, ids, strict=True):
                best = int(np.argmax(kinds @ query))
                assert found == [str(row) for row in range(9001) if row % 7 == best][:900]


def test_a_query_of_zeros_gives_the_first_rows(store):
    scores, ids = store.search(np.zeros(DIM), 4)
    assert (scores.tolist(), ids) == ([[0, 0, 0, 0]], [["0", "1", "2", "3"]])


@pytest.mark.parametrize("k", [1, 10, 999])
def test_below_kth_is_a_tight_lower_bound(k):
    scores = np.random.default_rng(k).standard_normal(50_000).astype(np.float32)
    bound = below_kth(scores, k)
    assert k <= np.count_nonzero(scores >= bound) <= 1.2 * k + 3
