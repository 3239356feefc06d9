"""chrF against numbers by hand and sacrebleu."""

import random

import pytest
import sacrebleu
from hypothesis import given, settings

from test_bleu import REFERENCES, TEXTS, adversarial_row
from tiny_eval.metrics.chrf import chrf_corpus, chrf_sentence


def test_numbers_by_hand():
    assert chrf_sentence("ab", ["abc"]) == pytest.approx(35 / 55, abs=1e-12)
    assert chrf_sentence("a b", ["a  b c"]) == pytest.approx(35 / 55, abs=1e-12)  # blanks don't count
    # two references: "xy" shares nothing, "ab" everything; the best one counts
    assert chrf_sentence("ab", ["xy", "ab"]) == pytest.approx(1, abs=1e-12)
    assert chrf_sentence("", ["a"]) == chrf_sentence("a", [""]) == chrf_sentence("", [""]) == 0


def test_recall_counts_twice_as_much_as_precision():
    assert chrf_sentence("abcdef", ["abc"]) > chrf_sentence("abc", ["abcdef"])


def test_counts_are_added_before_dividing():
    """Rows "a"/"a" and "b"/"c": 1 of 2 characters on both sides, where the mean of two longer rows would differ."""
    assert chrf_corpus(["a", "b"], [["a"], ["c"]]) == pytest.approx(50, abs=1e-9)
    assert chrf_corpus(["aaaa", "b"], [["aaaa"], ["c"]]) > 80


@settings(max_examples=1000)
@given(TEXTS, REFERENCES)
def test_sentences_equal_sacrebleu(pred, answers):
    assert 100 * chrf_sentence(pred, answers) == pytest.approx(sacrebleu.sentence_chrf(pred, answers).score, abs=1e-9)


def test_5000_adversarial_sentences_equal_sacrebleu():
    rng = random.Random(10)
    seen = set()
    for _ in range(5000):
        pred, answers = adversarial_row(rng)
        score = 100 * chrf_sentence(pred, answers)
        assert score == pytest.approx(sacrebleu.sentence_chrf(pred, answers).score, abs=1e-9), (pred, answers)
        seen.add(round(score))
    assert {0, 100} <= seen and len(seen) > 50


def test_5000_adversarial_rows_in_corpora_equal_sacrebleu():
    rng = random.Random(11)
    rows = [adversarial_row(rng) for _ in range(5000)]
    sizes, start = [1, 2, 3, 10, 50, 200, 1000], 0
    while start < len(rows):
        part = rows[start : start + rng.choice(sizes)]
        start += len(part)
        preds, answers = [pred for pred, _ in part], [answers for _, answers in part]
        columns: list = [[row[i] if i < len(row) else None for row in answers] for i in range(3)]
        expected = sacrebleu.corpus_chrf(preds, columns).score
        assert chrf_corpus(preds, answers) == pytest.approx(expected, abs=1e-9)


def test_very_long_texts():
    pred, answer = "the cat sat on a mat. 夜空 " * 2000, "a cat sat on the mat. 星空 " * 1900
    assert 100 * chrf_sentence(pred, [answer]) == pytest.approx(sacrebleu.sentence_chrf(pred, [answer]).score, abs=1e-9)


def test_no_reference_is_refused():
    with pytest.raises(ValueError, match="at least one reference"):
        chrf_sentence("a", [])
