"""Fusion against the plain computation over all scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tiny_rag.hybrid import Moments, fuse, standardise

SHAPES = st.tuples(st.integers(1, 12), st.integers(1, 5))
NUMBERS = st.floats(-2, 2, width=32)


@given(
    SHAPES.flatmap(
        lambda shape: st.tuples(
            arrays(np.float64, shape, elements=NUMBERS), arrays(np.float64, shape[1], elements=NUMBERS)
        )
    )
)
def test_moments_are_those_of_all_scores(matrix_and_query):
    vectors, query = matrix_and_query
    mean, deviation = Moments.of(vectors).of_scores(query)
    scores = vectors @ query
    assert mean == pytest.approx(scores.mean(), abs=1e-9)
    assert deviation == pytest.approx(scores.std(), abs=1e-5)


def test_moments_of_float32_unit_vectors_are_precise_enough():
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((5000, 64), np.float32) + 2
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    mean, deviation = Moments.of(vectors).of_scores(vectors[0])
    scores = vectors.astype(np.float64) @ vectors[0]
    assert (mean, deviation) == (pytest.approx(scores.mean(), rel=1e-3), pytest.approx(scores.std(), rel=1e-3))


def test_moments_of_nothing():
    assert Moments.of(np.zeros((0, 3), np.float32)).of_scores(np.ones(3)) == (0, 0)


@given(st.integers(2, 20), st.floats(0, 1), st.integers(0, 1000))
def test_fusing_candidates_equals_fusing_everything(n, weight, seed):
    rng = np.random.default_rng(seed)
    keyword, dense = rng.random(n) * 9, rng.random(n)
    candidates = np.flatnonzero(rng.random(n) < 0.5)
    everything = (1 - weight) * (keyword - keyword.mean()) / keyword.std() + weight * (
        dense - dense.mean()
    ) / dense.std()
    found = fuse(keyword, candidates, dense[candidates], float(dense.mean()), float(dense.std()), weight)
    np.testing.assert_allclose(found, everything[candidates], atol=1e-9)


@pytest.mark.parametrize("weight, order", [(0.0, [2, 1, 0]), (1.0, [0, 1, 2])])
def test_a_weight_of_0_or_1_leaves_one_leg_alone(weight, order):
    keyword, dense = np.array([1.0, 2.0, 3.0]), np.array([0.9, 0.5, 0.1])
    scores = fuse(keyword, np.arange(3), dense, float(dense.mean()), float(dense.std()), weight)
    assert np.argsort(-scores).tolist() == order


def test_equal_scores_decide_nothing():
    assert standardise(np.array([3.0, 3.0]), 3.0, 0.0).tolist() == [0, 0]
    assert standardise(np.array([1.0, 3.0]), 2.0, 0.5).tolist() == [-2, 2]
    dense = np.array([0.1, 0.9])
    scores = fuse(np.zeros(2), np.arange(2), dense, 0.5, 0.4, 0.3)  # no keyword is known
    np.testing.assert_allclose(scores, [-0.3, 0.3])
