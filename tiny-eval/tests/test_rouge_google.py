"""google's dialect against `rouge-score` itself, plain, with its stemmer, and with a Chinese tokenizer."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from pairs import pairs
from tiny_eval.metrics import SCORERS
from tiny_eval.metrics.rouge_google import lines, rouge_l, rouge_lsum, rouge_n, stems, tokens, tokens_zh

KINDS = {"rouge_1": "rouge1", "rouge_2": "rouge2", "rouge_l": "rougeL", "rouge_lsum": "rougeLsum"}


class JiebaTokenizer:
    def tokenize(self, text):
        return tokens_zh(text)


PLAIN = RougeScorer(list(KINDS.values()))
STEMMING = RougeScorer(list(KINDS.values()), use_stemmer=True)
CHINESE = RougeScorer(list(KINDS.values()), tokenizer=JiebaTokenizer())
some_text = st.lists(st.sampled_from([*"ab .\nA1,é我们", "the ", "skies ", "图书馆"]), max_size=60).map("".join)


def assert_equal(theirs, suffix, pred, answer):
    scores = theirs.score(answer, pred)
    for ours, kind in KINDS.items():
        assert SCORERS[f"{ours}_{suffix}"](pred, [answer]) == pytest.approx(scores[kind].fmeasure, abs=1e-9), (
            ours, pred, answer,
        )  # fmt: skip


@pytest.mark.parametrize("theirs, suffix", [(PLAIN, "google"), (STEMMING, "google_stem"), (CHINESE, "zh_google")])
def test_5000_pairs_score_as_in_the_package(theirs, suffix):
    for pred, answer in pairs(5_000, seed=11, long=400):
        assert_equal(theirs, suffix, pred, answer)


@given(some_text, some_text)
def test_any_pair_scores_as_in_the_package(pred, answer):
    for theirs, suffix in ((PLAIN, "google"), (STEMMING, "google_stem"), (CHINESE, "zh_google")):
        assert_equal(theirs, suffix, pred, answer)


def test_precision_and_recall_too():
    for pred, answer in pairs(1_000, seed=12, long=60):
        scores = STEMMING.score(answer, pred)
        ours, theirs = stems(pred), stems(answer)
        assert rouge_n(ours, theirs, 1) == pytest.approx(tuple(scores["rouge1"]), abs=1e-9)
        assert rouge_n(ours, theirs, 2) == pytest.approx(tuple(scores["rouge2"]), abs=1e-9)
        assert rouge_l(ours, theirs) == pytest.approx(tuple(scores["rougeL"]), abs=1e-9)
        summary = rouge_lsum(lines(pred, stems), lines(answer, stems))
        assert summary == pytest.approx(tuple(scores["rougeLsum"]), abs=1e-9)


def test_lines_whose_words_repeat_across_lines():
    """Where ROUGE-Lsum must not count a word more often than both texts have it, and the path read out matters."""
    rng = random.Random(13)
    for _ in range(2_000):
        pred, answer = (
            "\n".join(" ".join(rng.choices("abcd", k=rng.randint(0, 7))) for _ in range(rng.randint(1, 5)))
            for _ in range(2)
        )
        assert_equal(PLAIN, "google", pred, answer)


def test_very_long_texts():
    rng = random.Random(14)
    pred, answer = (" ".join(rng.choices([f"w{rank}" for rank in range(400)], k=length)) for length in (2_500, 2_000))
    theirs = RougeScorer(["rougeL"]).score(answer, pred)["rougeL"].fmeasure
    assert SCORERS["rouge_l_google"](pred, [answer]) == pytest.approx(theirs, abs=1e-9)


def test_the_example_by_hand():
    pred, answers = "The cat saw the dog.", ["The dog saw the cat."]
    scores = [SCORERS[f"{kind}_google"](pred, answers) for kind in KINDS]
    assert scores == pytest.approx([1, 3 / 4, 3 / 5, 3 / 5])


def test_the_best_reference_counts():
    answers = ["nothing of it", "a cat", "the cat sat"]
    assert SCORERS["rouge_l_google"]("the cat sat", answers) == 1
    assert SCORERS["rouge_l_google"]("the cat sat", answers[:2]) == pytest.approx(0.4)


def test_chinese_is_dropped_unless_jieba_cuts_it():
    assert tokens("我在 library 看书 2024") == ["library", "2024"]
    assert tokens_zh("我在图书馆看 Books，3 本。") == ["我", "在", "图书馆", "看", "books", "3", "本"]
    assert SCORERS["rouge_1_google"]("图书馆", ["图书馆"]) == 0
    assert SCORERS["rouge_1_zh_google"]("图书馆", ["图书馆"]) == 1


def test_stems_are_cut_from_words_of_more_than_three_letters():
    assert stems("cats was running dies") == ["cat", "was", "run", "die"]
    assert stems("was dog's ies") == ["was", "dog", "s", "ies"]
