"""Latent semantic analysis against `numpy.linalg.svd` of the same matrix, written out in full."""

import numpy as np
import pytest

from tiny_rag import lsa
from tiny_rag.analysis import terms
from tiny_rag.bm25 import idf
from tiny_rag.lsa import LSA, left_loadings, product, unit_rows
from tiny_rag.term_counts import TermCounts

K = 6


@pytest.fixture(scope="module")
def texts():
    """240 texts about six subjects of unequal weight, with common words between: singular values that fall off."""
    rng = np.random.default_rng(3)
    subjects = [[f"s{subject}w{word}" for word in range(40)] for subject in range(K)]
    common = [f"common{word}" for word in range(20)]
    made = []
    for number in range(240):
        subject = subjects[int(rng.choice(K, p=np.array([8, 6, 4, 3, 2, 1]) / 24))]
        made.append(" ".join([*rng.choice(subject, rng.integers(8, 20)), *rng.choice(common, 3), f"name{number}"]))
    return made


@pytest.fixture(scope="module")
def counts(texts):
    return TermCounts.from_terms(map(terms, texts))


@pytest.fixture(scope="module")
def fitted(counts):
    return LSA(K).fit_counts(counts)


def dense_matrix(counts: TermCounts) -> np.ndarray:
    """The weighted matrix by the definition: BM25's weights with k1 1.5 and b 0.75, each text scaled to length 1."""
    frequency_NV = np.array(
        [[row.get(term, 0) for term in counts.vocabulary] for row in map(counts.terms_of, range(len(counts)))]
    )
    length_N1 = frequency_NV.sum(axis=1, keepdims=True)
    room_N1 = 1.5 * (0.25 + 0.75 * length_N1 / length_N1.mean())
    weight_NV = idf((frequency_NV > 0).sum(axis=0), len(counts)) * frequency_NV / (frequency_NV + room_N1)
    return weight_NV / np.linalg.norm(weight_NV, axis=1, keepdims=True)


def test_topics_span_what_svd_finds(counts, fitted):
    topics_VK = fitted.topics_of(np.arange(len(counts.vocabulary)))
    np.testing.assert_allclose(topics_VK.T @ topics_VK, np.eye(K), atol=1e-4)
    svd_KV = np.linalg.svd(dense_matrix(counts), full_matrices=False)[2][:K]
    cosines = np.linalg.svd(svd_KV @ topics_VK)[1]  # of the angles between the two subspaces
    assert cosines.min() > 0.9999


def test_projections_have_the_inner_products_of_svd(texts, counts, fitted):
    u, s, _ = np.linalg.svd(dense_matrix(counts), full_matrices=False)
    expected_NN = (u[:, :K] * s[:K]) @ (u[:, :K] * s[:K]).T
    rows_NK = fitted.project(texts)
    np.testing.assert_allclose(rows_NK @ rows_NK.T, expected_NN, atol=1e-3)
    np.testing.assert_allclose(fitted.project_counts(counts), rows_NK, atol=1e-6)


def test_a_new_text_is_projected_on_the_topics(texts, counts, fitted):
    """A question is weighted like a text, so its coordinates are those of an equal text."""
    question = texts[7] + " neverseen"
    topics_VK = fitted.topics_of(np.arange(len(counts.vocabulary)))
    np.testing.assert_allclose(fitted.project([question])[0], dense_matrix(counts)[7] @ topics_VK, atol=1e-5)


def test_embed_is_project_at_length_one(texts, counts, fitted):
    rows, unit = fitted.project(texts), fitted.embed(texts)
    np.testing.assert_allclose(unit, rows / np.linalg.norm(rows, axis=1, keepdims=True), atol=1e-5)
    np.testing.assert_allclose(fitted.embed_counts(counts), unit, atol=1e-6)
    assert unit.dtype == np.float32 and unit.shape == (len(texts), K)


def test_the_share_that_topics_express_lies_between_0_and_1(texts, fitted):
    share = np.linalg.norm(fitted.project([*texts, "common1", "name7", "common1 neverseen", "s1w1 s2w2 s3w3"]), axis=1)
    assert share.min() >= 0 and share.max() <= 1 + 1e-5
    assert np.linalg.norm(fitted.project(["name7"])) < 0.2 < np.linalg.norm(fitted.project(["s0w1 s0w2 s0w3"]))


def test_unknown_words_give_zeros(fitted):
    assert not fitted.embed(["neverseen", "", "the of"]).any()
    assert fitted.embed([]).shape == (0, K)


def test_words_that_keep_the_same_company_are_close():
    texts = ["ship propeller water", "ship slipstream water", "bread flour oven", "cake flour oven"] * 3
    question, *found = LSA(2).fit(texts).embed(["slipstream", "propeller", "bread"])
    assert question @ found[0] > 0.9 > 0.1 > question @ found[1]


def test_parts_round_trip(texts, counts, fitted):
    parts = fitted.parts()
    assert all(array.dtype != object for array in parts.values())
    again = LSA.from_parts(counts, **parts)
    assert again.name == fitted.name == f"lsa-{K}" and again.seed == fitted.seed
    np.testing.assert_array_equal(again.embed(texts[:20]), fitted.embed(texts[:20]))


def test_topics_of_a_sample_serve_all_texts(texts, counts, fitted, monkeypatch):
    monkeypatch.setattr(lsa, "FIT_ROWS", 150)
    sampled = LSA(K).fit_counts(counts)
    assert len(sampled.sample_S) == len(sampled.loadings_SK) == 150
    topics_VK = sampled.topics_of(np.arange(len(counts.vocabulary)))
    part_NV = dense_matrix(counts)[sampled.sample_S]  # idf and mean length are those of all texts
    cosines = np.linalg.svd(np.linalg.svd(part_NV, full_matrices=False)[2][:K] @ topics_VK)[1]
    assert cosines.min() > 0.9999
    rows = sampled.project(texts)
    assert rows.shape == (240, K)
    np.testing.assert_allclose(rows, dense_matrix(counts) @ topics_VK, atol=1e-4)
    np.testing.assert_array_equal(LSA.from_parts(counts, **sampled.parts()).project(texts), rows)
    assert LSA(K, seed=1).fit_counts(counts).sample_S.tolist() != sampled.sample_S.tolist()


def test_more_topics_than_texts_leave_columns_empty():
    embedder = LSA(20).fit(["dome star", "roof star", "moon"])
    rows = embedder.project(["dome star", "roof star", "moon"])
    assert rows.shape == (3, 20) and not rows[:, 3:].any()
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-4)  # full rank keeps everything


def test_the_same_seed_gives_the_same_vectors(texts):
    first, second, other = (LSA(K, seed).fit(texts).embed(texts[:5]) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)
    np.testing.assert_allclose(first @ first.T, other @ other.T, atol=1e-3)  # turned, at most


def test_without_texts_everything_is_zero():
    assert not LSA(4).fit([]).embed(["star"]).any()
    assert not LSA(4).embed(["star"]).any()


def test_no_topics_are_refused():
    with pytest.raises(ValueError, match="got 0"):
        LSA(0)


def test_left_loadings_of_a_wide_and_a_tall_table():
    """Without the random start's help: more texts than the first guess has columns, and fewer terms."""
    rng = np.random.default_rng(0)
    for n_texts, n_terms in ((300, 12), (12, 300)):
        made = [[f"t{int(rng.zipf(1.5)) % n_terms}" for _ in range(15)] for _ in range(n_texts)]
        counts = TermCounts.from_terms(made)
        matrix = np.zeros((n_texts, len(counts.vocabulary)))
        matrix[counts.row_of, counts.term_ids] = counts.counts
        u, s, _ = np.linalg.svd(matrix, full_matrices=False)
        loadings = left_loadings(counts, counts.counts, 3, seed=0)
        np.testing.assert_allclose(np.abs(loadings), np.abs(u[:, :3] / s[:3]), atol=1e-4)


def test_sparse_product_equals_the_dense_one():
    rng = np.random.default_rng(1)
    matrix = rng.standard_normal((30, 9)) * (rng.random((30, 9)) < 0.2)
    rows, columns = np.nonzero(matrix)
    starts = np.concatenate([[0], np.cumsum((matrix != 0).sum(axis=1))])
    assert {0, 1} <= set(np.diff(starts).tolist())  # empty rows and single entries take ways of their own
    dense = rng.standard_normal((9, 4)).astype(np.float32)
    found = product(starts, columns, matrix[rows, columns].astype(np.float32), dense)
    np.testing.assert_allclose(found, matrix @ dense, atol=1e-5)


def test_unit_rows_leave_zeros_alone():
    rows = unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]]))
    np.testing.assert_allclose(rows, [[0.6, 0.8], [0.0, 0.0]])
