"""BM25 against numbers by hand, the formula in plain Python, and bm25s."""

import math
import random
from collections import Counter

import bm25s
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiny_rag.analysis import terms
from tiny_rag.bm25 import BM25, best, idf
from tiny_rag.term_counts import TermCounts

WORDS = ["dome", "star", "night", "roof", "moon", "cloud", "comet", "orbit", "夜", "星"]  # each its own stem
TEXTS = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=9), min_size=1, max_size=9)


def by_formula(texts: list[list[str]], query: list[str], k1: float, b: float) -> list[float]:
    mean_length = sum(map(len, texts)) / len(texts)
    scores = []
    for text in texts:
        score = 0.0
        for term in query:
            n_with = sum(term in other for other in texts)
            if n_with:
                rarity = math.log(1 + (len(texts) - n_with + 0.5) / (n_with + 0.5))
                room = k1 * (1 - b + b * len(text) / mean_length)
                score += rarity * text.count(term) / (text.count(term) + room) if term in text else 0
        scores.append(score)
    return scores


def test_numbers_by_hand():
    """Two texts of 2 and 4 words, mean 3. "star" is in one of them: idf = ln(1 + 1.5/1.5) = ln 2.

    Text 1 has it twice: room = 1.5 · (0.25 + 0.75 · 4/3) = 1.875, so ln 2 · 2/3.875 = 0.35775.
    """
    index = BM25(["dome night", "star roof star lens"])
    assert index.search("star", 5) == [(1, pytest.approx(0.35775, abs=1e-5))]
    assert index.search("star star", 5)[0][1] == pytest.approx(
        2 * 0.35775, abs=2e-5
    )  # a word asked for twice counts twice
    # "night": room = 1.5 · (0.25 + 0.75 · 2/3) = 1.125, so ln 2 / 2.125
    assert index.scores("night").tolist() == pytest.approx([math.log(2) / 2.125, 0], abs=1e-6)


def test_idf_is_largest_for_rare_terms_and_never_negative():
    values = idf(np.array([1, 5, 10]), 10)
    assert values.tolist() == pytest.approx([math.log(1 + 9.5 / 1.5), math.log(2), math.log(1 + 0.5 / 10.5)], rel=1e-6)


@given(TEXTS, st.lists(st.sampled_from(WORDS), max_size=5), st.floats(0, 3), st.floats(0, 1))
def test_scores_equal_the_formula(texts, query, k1, b):
    index = BM25.from_counts(TermCounts.from_terms(texts), k1, b)
    found = index.scores(" ".join(query))
    np.testing.assert_allclose(found, by_formula(texts, terms(" ".join(query)), k1, b), atol=1e-5)


@pytest.mark.parametrize("k1, b", [(1.5, 0.75), (0.9, 0.4), (2.0, 1.0), (1.2, 0.0)])
def test_scores_equal_bm25s(k1, b):
    rng = random.Random(1)
    vocabulary = [f"word{number}" for number in range(300)]
    texts = [
        " ".join(rng.choices(vocabulary, [1 / (n + 1) for n in range(300)], k=rng.randint(3, 80))) for _ in range(200)
    ]
    texts += ["天文台在山上，夜里很暗。", "The observatories open at night; 望远镜对准木星。"]
    peer = bm25s.BM25(k1=k1, b=b, method="lucene")
    peer.index([terms(text) for text in texts], show_progress=False)
    ours = BM25(texts, k1, b)
    for _ in range(50):
        query = " ".join(rng.sample(vocabulary, rng.randint(1, 6)))
        np.testing.assert_allclose(ours.scores(query), peer.get_scores(terms(query)), atol=1e-4)
    query = "observatory 望远镜 夜"
    np.testing.assert_allclose(ours.scores(query), peer.get_scores(terms(query)), atol=1e-4)
    assert ours.scores(query).max() > 1


def test_only_texts_that_share_a_term_are_found_and_ties_keep_their_order():
    index = BM25(["roof", "star", "star", "moon", "star"])
    assert [place for place, _ in index.search("star", 10)] == [1, 2, 4]
    assert [place for place, _ in index.search("star", 2)] == [1, 2]
    assert index.search("comet", 3) == index.search("", 3) == index.search("the of", 3) == []


def test_no_texts_and_blank_texts():
    assert BM25([]).search("star", 3) == []
    assert [place for place, _ in BM25(["", " ", "star"]).search("star", 3)] == [2]


def test_length_is_normalised_by_b():
    texts = ["star", "star " + "roof " * 20]
    with_b, without_b = BM25(texts).scores("star"), BM25(texts, b=0).scores("star")
    assert with_b[0] > with_b[1] and without_b[0] == without_b[1]


@pytest.mark.parametrize("k1, b", [(-0.1, 0.5), (1.5, 1.1), (1.5, -0.1)])
def test_bad_parameters_are_refused(k1, b):
    with pytest.raises(ValueError, match=str(k1 if k1 < 0 else b)):
        BM25(["star"], k1, b)


@given(st.lists(st.integers(-3, 3), max_size=30), st.integers(1, 40))
def test_best_equals_a_stable_sort(scores, k):
    expected = sorted(range(len(scores)), key=lambda place: -scores[place])[:k]
    assert best(np.array(scores, np.float32), k).tolist() == expected


@pytest.mark.parametrize("k", [1, 7, 19, 20, 100, 5000, 6000])
@pytest.mark.parametrize("kinds", [2, 50, 100_000])
def test_best_of_many_equals_a_stable_sort(k, kinds):
    scores = np.random.default_rng(kinds).integers(0, kinds, 5000).astype(np.float32)
    assert best(scores, k).tolist() == np.argsort(-scores, kind="stable")[:k].tolist()


def test_best_refuses_k_below_one():
    with pytest.raises(ValueError, match="got 0"):
        best([1.0], 0)


def test_repeated_words_saturate():
    scores = BM25([" ".join(["star"] * n + ["roof"] * (20 - n)) for n in (1, 2, 3, 10, 11)]).scores("star")
    gains = np.diff(scores)
    assert gains[0] > gains[1] > gains[3] > 0
    assert Counter(scores > 0) == {True: 5}
