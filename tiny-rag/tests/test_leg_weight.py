"""The weight of the dense leg, on collections that were made so that one knows what is right."""

import random

import numpy as np
import pytest

from tiny_rag import leg_weight
from tiny_rag.analysis import terms
from tiny_rag.embedder import LSA
from tiny_rag.leg_weight import GUESS, PROBES, Evidence, flatness, hold_out, own_rank, weigh
from tiny_rag.term_counts import TermCounts


def sentence(words: list[str]) -> str:
    return " ".join(words).capitalize() + ". "


def named_texts(n: int = 60) -> list[str]:
    """Each text is about something with names of its own, repeated in every sentence: keywords identify it."""
    rng = random.Random(1)
    filler = [f"filler{number}" for number in range(30)]
    return [
        "".join(sentence([f"name{i}", f"place{i}", f"year{i}", *rng.sample(filler, 3)]) for _ in range(5))
        for i in range(n)
    ]


def topical_texts(n: int = 120) -> list[str]:
    """Six subjects; the texts of one draw from the same words, so that keywords only name the subject."""
    rng = random.Random(2)
    subjects = [[f"s{subject}w{word}" for word in range(25)] for subject in range(6)]
    return ["".join(sentence(rng.sample(subjects[i % 6], 7)) for _ in range(6)) for i in range(n)]


def measured(texts, embedder):
    return weigh(texts, TermCounts.from_terms(map(terms, texts)), embedder)


class Noise:
    """An embedder that knows nothing: vectors at random."""

    name = "noise"

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def fit(self, texts):
        return self

    def embed(self, texts):
        rows = self.rng.standard_normal((len(texts), 32))
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


class Oracle(Noise):
    """An embedder that knows the subject of every word: the number behind its first letter."""

    def embed(self, texts):
        rows = np.zeros((len(texts), 200), np.float32)
        for row, text in zip(rows, texts, strict=True):
            row[int(text.lower().split()[0][1:].split("x")[0])] = 1
        return rows


def test_where_keywords_identify_texts_they_decide():
    evidence = measured(named_texts(), LSA(20))
    assert evidence.dense_weight < 0.2
    assert evidence.keyword_finds > 0.95
    assert evidence.probes == 60


def test_where_keywords_only_name_the_subject_closeness_decides():
    evidence = measured(topical_texts(), LSA(20))
    assert evidence.dense_weight > 0.5
    assert evidence.flat > 0.5 and evidence.faithful > 0.5
    assert evidence.warning == ""


@pytest.mark.parametrize("texts", [named_texts(), topical_texts(30)])
def test_random_vectors_get_little_weight_and_a_warning(texts):
    evidence = measured(texts, Noise())
    assert evidence.dense_weight < 0.15
    assert "dense leg hurts" in evidence.warning and "--mode bm25" in evidence.warning
    assert f"{evidence.keyword_finds:.2f}" in evidence.warning


def test_an_embedder_that_finds_what_keywords_miss_is_trusted():
    """No two sentences share a word, so BM25 finds nothing."""
    texts = ["".join(sentence([f"w{i}x{s}x{word}" for word in range(5)]) for s in range(4)) for i in range(40)]
    evidence = measured(texts, Oracle())
    assert (evidence.keyword_finds, evidence.dense_finds) == (0, 1)
    assert "keyword leg hurts" in evidence.warning and "--mode dense" in evidence.warning


@pytest.mark.parametrize("n", [0, 1, 9])
def test_too_few_texts_give_a_guess(n):
    evidence = measured(named_texts(n), LSA(5))
    assert evidence.probes == n and evidence.dense_weight == GUESS and evidence.warning == ""


def test_large_collections_are_sampled_with_texts_and_counts_in_step(monkeypatch):
    notes = [f"A note of place{i} in year{i}. That is all." for i in range(90)]  # too short to hold a sentence out
    texts = named_texts(90) + notes
    monkeypatch.setattr(leg_weight, "LARGEST", 80)
    evidence = measured(texts, LSA(20))
    assert 20 < evidence.probes < 60
    assert evidence.keyword_finds > 0.95  # out of step, the texts of others would be in the way of their own


def test_odds_multiply():
    assert Evidence(50, flat=0.5, faithful=0.5).dense_weight == pytest.approx(0.5)
    assert Evidence(50, flat=0.75, faithful=0.5).dense_weight == pytest.approx(0.75)
    assert Evidence(50, flat=0.75, faithful=0.75).dense_weight == pytest.approx(0.9)  # odds 3 · 3 = 9
    half = Evidence(50, flat=0.5, faithful=0.5, keyword_finds=0.8, dense_finds=0.4)
    assert half.dense_weight == pytest.approx(0.2)  # odds (1/2)² = 1/4
    for flat in (0, 1):
        for faithful in (0, 1):
            assert 0 < Evidence(50, flat, faithful).dense_weight < 1


def test_flatness_by_hand():
    assert flatness(np.array([[8.0, 4, 2]])) == pytest.approx(3 / 8)
    assert flatness(np.array([[2.0, 8, 4], [0, 0, 0], [5, 5, 5]])) == pytest.approx(
        (3 / 8 + 1) / 2
    )  # unfound: left out
    assert flatness(np.array([[9.0] + [3.0] * 9 + [0.0] * 50])) == pytest.approx(1 / 3)  # nine runners-up, no more
    assert flatness(np.zeros((2, 5))) == flatness(np.ones((3, 1))) == 0


def test_own_rank_by_hand():
    scores = np.array([[3.0, 1, 2], [5, 4, 3], [0, 0, 0]])
    assert own_rank(scores) == pytest.approx((1 + 1 / 2 + 0) / 3)


def test_held_out_sentences_are_taken_from_the_middle_of_their_text():
    texts = [*named_texts(400), "Too short. Only two here.", "One. Two. Three."]
    held = hold_out(texts)
    assert len(held) == PROBES
    assert held == hold_out(texts) != hold_out(texts, seed=1)
    for i, (taken, rest) in held.items():
        assert not texts[i].startswith(taken) and taken in texts[i] and taken not in rest
        assert sorted(f"{taken} {rest}".split()) == sorted(texts[i].split())
    assert not held.keys() & {400, 401}


def test_chinese_sentences_are_held_out_too():
    held = hold_out(["望远镜在山上。天文台在晚上开放。请先预约参观时间。"])
    assert held[0][0] in ("天文台在晚上开放。", "请先预约参观时间。")
