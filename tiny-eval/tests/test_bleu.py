"""BLEU against numbers by hand and sacrebleu."""

import math
import random

import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a
from sacrebleu.tokenizers.tokenizer_zh import TokenizerZh

from tiny_eval.metrics.bleu import (
    bleu_corpus,
    bleu_sentence,
    bleu_zh_corpus,
    bleu_zh_sentence,
    tokens_13a,
    tokens_zh,
)

WORDS = "the cat sat the the a a 学习 模型 夜 カ ＧＰＴ é 😀 𠀀 don't A.B 1,000 3.5 5. .5 1-2".split()
SIGNS = '. , ! ... -- - (x) " &amp; &quot; &lt;b&gt; <skipped> 。 ， ！ → ∑ \u200b'.split()
PIECES = [*WORDS, *SIGNS, "-\n", "\u2028", "\x1f", "\u3000", "\t", "\n", "", "x."]
TEXTS = st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join))
REFERENCES = st.lists(TEXTS, min_size=1, max_size=3)


def adversarial_text(rng: random.Random) -> str:
    length = rng.choice([0, 0, 1, 2, 3, 4, 5, 8, 12, 40])
    return "".join(rng.choice(PIECES) + rng.choice(["", " ", " "]) for _ in range(length))


def adversarial_row(rng: random.Random) -> tuple[str, list[str]]:
    answers = [adversarial_text(rng) for _ in range(rng.randint(1, 3))]
    pred = rng.choice([adversarial_text(rng), answers[0], answers[-1][: len(answers[-1]) // 2], answers[0] * 2])
    return pred, answers


def theirs(pred: str, answers: list[str], tokenize: str) -> float:
    return sacrebleu.sentence_bleu(pred, answers, tokenize=tokenize).score


def test_numbers_by_hand():
    assert 100 * bleu_sentence("the cat sat", ["the cat sat down"]) == pytest.approx(100 * math.exp(-1 / 3), abs=1e-9)
    assert bleu_corpus(["the cat sat"], [["the cat sat down"]]) == 0  # no 4-gram in the whole corpus
    # "the" may match twice, as often as in the reference: 2/4; of its pairs "the the" one of 3; then half of 1/2 …
    precisions = [2 / 4, 1 / 3, 1 / 2 / 2, 1 / 4 / 1]
    assert bleu_sentence("the the the the", ["the the cat"]) == pytest.approx(math.prod(precisions) ** 0.25, abs=1e-12)


def test_counts_are_added_before_dividing():
    preds, answers = ["a b c d", "x y z w"], [["a b c d"], ["p q r s"]]
    precisions = [4 / 8, 3 / 6, 2 / 4, 1 / 2]
    assert bleu_corpus(preds, answers) == pytest.approx(100 * math.prod(precisions) ** 0.25, abs=1e-9)
    assert 100 * (bleu_sentence(preds[0], answers[0]) + bleu_sentence(preds[1], answers[1])) / 2 == pytest.approx(50)


def test_tokens():
    assert tokens_13a("It's 3.5-ish, 1,000-2.") == ["It's", "3.5", "-", "ish", ",", "1,000", "-", "2", "."]
    assert tokens_13a("well-\nknown &quot;x&quot;<skipped>") == ["wellknown", '"', "x", '"']
    assert tokens_zh("我有GPU。") == ["我", "有", "GPU", "。"]


def test_the_characters_set_apart_are_those_of_sacrebleu():
    """All characters there are, 256 at a time with a letter between them."""
    theirs_zh = TokenizerZh()
    for start in range(0, 0x110000, 256):
        text = "x".join(map(chr, range(start, start + 256)))
        assert tokens_zh(text) == theirs_zh(text).split(), hex(start)


@settings(max_examples=1000)
@given(TEXTS)
def test_tokens_equal_sacrebleu(text):
    assert tokens_13a(text) == Tokenizer13a()(text.rstrip()).split()
    assert tokens_zh(text) == TokenizerZh()(text.rstrip()).split()


@settings(max_examples=1000)
@given(TEXTS, REFERENCES)
def test_sentences_equal_sacrebleu(pred, answers):
    assert 100 * bleu_sentence(pred, answers) == pytest.approx(theirs(pred, answers, "13a"), abs=1e-9)
    assert 100 * bleu_zh_sentence(pred, answers) == pytest.approx(theirs(pred, answers, "zh"), abs=1e-9)


def test_5000_adversarial_sentences_equal_sacrebleu():
    rng = random.Random(8)
    seen = set()
    for _ in range(5000):
        pred, answers = adversarial_row(rng)
        score = 100 * bleu_sentence(pred, answers)
        assert score == pytest.approx(theirs(pred, answers, "13a"), abs=1e-9), (pred, answers)
        assert 100 * bleu_zh_sentence(pred, answers) == pytest.approx(theirs(pred, answers, "zh"), abs=1e-9)
        seen.add(round(score))
    assert {0, 100} <= seen and len(seen) > 50  # the rows are no formality


@pytest.mark.parametrize("tokenize, ours", [("13a", bleu_corpus), ("zh", bleu_zh_corpus)])
def test_5000_adversarial_rows_in_corpora_equal_sacrebleu(tokenize, ours):
    rng = random.Random(9)
    rows = [adversarial_row(rng) for _ in range(5000)]
    sizes, start = [1, 2, 3, 10, 50, 200, 1000], 0
    while start < len(rows):
        part = rows[start : start + rng.choice(sizes)]
        start += len(part)
        preds, answers = [pred for pred, _ in part], [answers for _, answers in part]
        columns: list = [[row[i] if i < len(row) else None for row in answers] for i in range(3)]
        expected = sacrebleu.corpus_bleu(preds, columns, tokenize=tokenize).score
        assert ours(preds, answers) == pytest.approx(expected, abs=1e-9)


def test_very_long_texts():
    pred, answer = "the cat sat on a mat . " * 2000, "a cat sat on the mat . " * 1900
    assert 100 * bleu_sentence(pred, [answer]) == pytest.approx(theirs(pred, [answer], "13a"), abs=1e-9)


def test_no_reference_and_uneven_lists_are_refused():
    with pytest.raises(ValueError, match="at least one reference"):
        bleu_sentence("a", [])
    with pytest.raises(ValueError, match="shorter|longer"):
        bleu_corpus(["a", "b"], [["a"]])
