"""Perplexity and bits against numbers by hand and the definition with probabilities multiplied out."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiny_eval.metrics.perplexity import bits_per_byte, bits_per_word, perplexity, word_perplexity

HALF, EIGHTH = math.log(1 / 2), math.log(1 / 8)


def test_numbers_by_hand():
    """p = 1/2 · 1/8 = 2⁻⁴ over 2 tokens, 3 bytes, 2 words."""
    logprobs = [HALF, EIGHTH]
    assert perplexity(logprobs) == pytest.approx(4, abs=1e-12)
    assert bits_per_byte(logprobs, "a b") == pytest.approx(4 / 3, abs=1e-12)
    assert bits_per_word(logprobs, "a b") == pytest.approx(2, abs=1e-12)
    assert word_perplexity(logprobs, "a b") == pytest.approx(4, abs=1e-12)


def test_bytes_are_those_of_utf_8():
    assert bits_per_byte([HALF], "夜") == pytest.approx(1 / 3, abs=1e-12)
    assert bits_per_byte([HALF], "é😀") == pytest.approx(1 / 6, abs=1e-12)


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=20))
def test_equals_the_product_of_probabilities(probabilities):
    text = "night " * 3
    logprobs = [math.log(p) for p in probabilities]
    product = math.prod(probabilities)
    assert perplexity(logprobs) == pytest.approx(product ** (-1 / len(probabilities)), rel=1e-9)
    assert bits_per_byte(logprobs, text) == pytest.approx(-math.log2(product) / 18, abs=1e-9)
    assert word_perplexity(logprobs, text) == pytest.approx(product ** (-1 / 3), rel=1e-9)


@given(st.integers(1, 1000), st.integers(1, 50))
def test_a_model_that_hesitates_between_m_tokens_has_perplexity_m(m, tokens):
    assert perplexity([-math.log(m)] * tokens) == pytest.approx(m, rel=1e-9)


def test_a_sure_model_and_an_impossible_token():
    assert perplexity([0.0, -0.0]) == 1 and math.copysign(1, bits_per_byte([0.0], "a")) == 1
    assert perplexity([HALF, -math.inf]) == math.inf == bits_per_word([-math.inf], "a")
    assert perplexity([-1e5]) == math.inf  # larger than a float


@pytest.mark.parametrize("logprobs, words", [([], "at least one"), ([HALF, 0.5], "1 is 0.5"), ([math.nan], "0 is nan")])
def test_what_is_no_log_probability_is_refused(logprobs, words):
    with pytest.raises(ValueError, match=words):
        perplexity(logprobs)


def test_a_text_without_words_or_bytes_is_refused():
    with pytest.raises(ValueError, match="one word"):
        bits_per_word([HALF], "  ")
    with pytest.raises(ValueError, match="one byte"):
        bits_per_byte([HALF], "")
