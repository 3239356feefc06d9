"""Our stems against NLTK's, which google's ROUGE uses."""

import random
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.stem.porter import PorterStemmer

from tiny_eval.metrics.porter import IRREGULAR, STEP_2, STEP_3, STEP_4, measure, shape, stem

THEIRS = PorterStemmer()
SUFFIXES = [suffix for suffix, _ in STEP_2 + STEP_3 + STEP_4]
SUFFIXES += "s es ies ied ed ing eed sses ss y ly logi logy alli ational ll e at bl iz tt zz".split()
BEGINNINGS = (
    "b y yy a e tr tree hop fil fall rate relat oper geo theo archaeo ration fin happ enjo sk fl ag pl troubl"
    " conflat hiss tann yell xylo syzyg 1 42 a1 controll snow box tray ion adopt ess"
).split()


@pytest.mark.parametrize(
    "word, expected",
    [
        ("hopefulness", "hope"), ("relational", "relat"), ("relate", "relat"), ("ponies", "poni"), ("dies", "die"),
        ("flies", "fli"), ("falling", "fall"), ("hopping", "hop"), ("filing", "file"), ("happy", "happi"),
        ("enjoy", "enjoy"), ("skies", "sky"), ("proceed", "proceed"), ("geology", "geolog"), ("ox", "ox"), ("", ""),
    ],
)  # fmt: skip
def test_stems_that_the_rules_name(word, expected):
    assert stem(word) == expected


def test_measure_counts_vowels_before_consonants():
    assert [measure(word) for word in ("tree", "trouble", "troubles")] == [0, 1, 2]
    assert (shape("toy"), shape("syzygy"), shape("yyy")) == ("cvc", "cvcvcv", "cvc")


def test_every_beginning_with_every_two_endings():
    words = {f"{start}{first}{second}" for start, first, second in product(BEGINNINGS, SUFFIXES, ["", *SUFFIXES])}
    assert len(words) > 50_000
    assert [(word, stem(word), THEIRS.stem(word)) for word in sorted(words) if stem(word) != THEIRS.stem(word)] == []


def test_irregular_words_and_5000_random_ones():
    rng = random.Random(5)
    words = ["".join(rng.choices("aeiouysltnzdbgr7", k=rng.randint(1, 12))) for _ in range(5_000)]
    for word in [*IRREGULAR, *words]:
        assert stem(word) == THEIRS.stem(word)


@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789", max_size=12), st.sampled_from(SUFFIXES))
def test_any_word(beginning, suffix):
    assert stem(beginning + suffix) == THEIRS.stem(beginning + suffix)
