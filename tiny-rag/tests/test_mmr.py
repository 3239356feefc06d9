"""Maximal marginal relevance against its definition, in plain Python."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiny_rag.mmr import diversify


def by_definition(scores: list[float], vectors: np.ndarray, k: int, diversity: float) -> list[int]:
    low, high = min(scores), max(scores)
    relevance = [(score - low) / ((high - low) or 1) for score in scores]
    picked: list[int] = []
    while len(picked) < min(k, len(scores)):
        gains = {}
        for place in set(range(len(scores))) - set(picked):
            closest = max([0.0, *(float(vectors[place] @ vectors[other]) for other in picked)])
            gains[place] = (1 - diversity) * relevance[place] - diversity * closest
        most = max(gains.values())
        picked.append(min(place for place, gain in gains.items() if gain > most - 1e-9))
    return picked


@given(st.integers(1, 7), st.integers(1, 9), st.sampled_from([0, 0.25, 0.5, 0.75, 1]), st.integers(0, 500))
def test_picks_equal_the_definition(n, k, diversity, seed):
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((n, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = rng.random(n) * 5
    assert diversify(scores, vectors, k, diversity) == by_definition(scores.tolist(), vectors, k, diversity)


def test_a_repetition_comes_after_something_new():
    vectors = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    scores = np.array([3.0, 2.9, 2.0])
    assert diversify(scores, vectors, 3, 0.0) == [0, 1, 2]
    assert diversify(scores, vectors, 3, 0.6) == [0, 2, 1]
    assert diversify(scores, vectors, 2, 1.0) == [0, 2]


def test_no_candidates_and_equal_scores():
    assert diversify(np.zeros(0), np.zeros((0, 2)), 3, 0.5) == []
    assert diversify(np.ones(2), np.eye(2), 5, 0.0) == [0, 1]


@pytest.mark.parametrize("diversity", [-0.1, 1.1])
def test_bad_diversity_is_refused(diversity):
    with pytest.raises(ValueError, match=str(diversity)):
        diversify(np.ones(2), np.eye(2), 1, diversity)
