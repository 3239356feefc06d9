"""Perplexity, bits per byte and per word, from the log-probabilities of a text's tokens (Jelinek et al. 1977).

With ln p_i the natural logarithm of the i-th token's probability given those before it:

    perplexity    = exp(−Σ ln p_i / tokens)          how many equally likely tokens the model hesitates between
    bits per byte = −Σ ln p_i / (ln 2 · bytes)       independent of the tokenizer: compare models with this one
    bits per word = −Σ ln p_i / (ln 2 · words)       and word perplexity = 2^(bits per word)

By hand: the text "a b" as two tokens of probability 1/2 and 1/8. Σ ln p = −ln 16; perplexity = √16 = 4; 4 bits over
3 bytes are 1.333 bits per byte, and over 2 words 2 bits per word: word perplexity 4.

For several texts, add their log-probabilities and lengths first (join the lists): the mean of perplexities is another
number. Bytes are those of UTF-8, so a Chinese character is three; words are split at blanks, so a Chinese sentence is
one: leave words to languages that write blanks.
"""

import math
from collections.abc import Sequence


def perplexity(logprobs: Sequence[float]) -> float:
    """exp of the mean surprise of a token."""
    return _exp(_surprise(logprobs) / len(logprobs))


def bits_per_byte(logprobs: Sequence[float], text: str) -> float:
    """The bits that the model needs for a byte (UTF-8) of `text`."""
    return _bits_per(logprobs, len(text.encode("utf-8", "surrogatepass")), "byte")


def bits_per_word(logprobs: Sequence[float], text: str) -> float:
    """The bits that the model needs for a word of `text`, split at blanks."""
    return _bits_per(logprobs, len(text.split()), "word")


def word_perplexity(logprobs: Sequence[float], text: str) -> float:
    """Perplexity as if the model had predicted whole words."""
    return _exp(bits_per_word(logprobs, text) * math.log(2))


def _bits_per(logprobs: Sequence[float], units: int, unit: str) -> float:
    if units == 0:
        raise ValueError(f"bits per {unit} needs a text with at least one {unit} (got none)")
    return _surprise(logprobs) / math.log(2) / units


def _surprise(logprobs: Sequence[float]) -> float:
    """−Σ ln p; a token of probability 0 makes it infinite."""
    if not logprobs:
        raise ValueError("no log-probabilities given; a text needs at least one scored token")
    for place, logprob in enumerate(logprobs):
        if not logprob <= 0:  # says no to NaN, too
            raise ValueError(f"log-probability {place} is {logprob}; natural logarithms of probabilities are at most 0")
    return -math.fsum(logprobs) + 0.0  # + 0.0: a sure text is 0, not −0


def _exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf
