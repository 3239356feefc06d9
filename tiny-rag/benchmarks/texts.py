"""Text to measure on: made up, the same on every machine, with the word frequencies of real text.

How long a search takes depends on how many texts hold the query's words, so words must be as unequally frequent as in
a language. English: common function words, then syllables put together, with the frequencies of Zipf's law (Mandelbrot
1953: p ∝ 1 / (rank + 2.7)). Chinese: the words of jieba's dictionary with the frequencies it gives.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import count
from typing import Literal

import jieba
import numpy as np

Language = Literal["English", "Chinese"]

VOCABULARY = 30_000
_FUNCTION_WORDS = "the of and to in a that is was for it as with on be by at he this from not".split()
_HAN_WORD = re.compile(r"([\u4e00-\u9fff]+) (\d+)")


@cache
def vocabulary(language: Language) -> tuple[np.ndarray, np.ndarray]:
    """30,000 words, and the share of a text that each and all before it take up."""
    if language == "English":
        made_up = (word for number in count() if (word := _pronounceable(number)))
        words = _FUNCTION_WORDS + [next(made_up) for _ in range(VOCABULARY - len(_FUNCTION_WORDS))]
        weights = 1 / (np.arange(VOCABULARY) + 1 + 2.7)
    else:
        with jieba.get_dict_file() as file:
            entries = [found.groups() for line in file if (found := _HAN_WORD.match(line.decode("utf-8")))]
        entries = sorted(entries, key=lambda entry: -int(entry[1]))[:VOCABULARY]
        words = [word for word, _ in entries]
        weights = np.array([float(frequency) for _, frequency in entries])
    return np.array(words), np.cumsum(weights) / weights.sum()


def _pronounceable(number: int) -> str:
    """Two syllables or more, different for every number: 0 is "baba", 1 "bace"."""
    syllables = [consonant + vowel for consonant in "bcdfghklmnprstvw" for vowel in "aeiou"]
    word = ""
    while number or len(word) < 4:
        number, digit = divmod(number, len(syllables))
        word = syllables[digit] + word
    return word


def paragraphs(language: Language, rng: np.random.Generator) -> Iterator[str]:
    """Paragraphs of three to eight sentences of six to twenty-five words, without end."""
    words, cumulative = vocabulary(language)
    space, comma, stop = (" ", ", ", ". ") if language == "English" else ("", "，", "。")
    while True:
        sentences = []
        for length in rng.integers(6, 26, size=rng.integers(3, 9)):
            chosen = words[np.searchsorted(cumulative, rng.random(length))]
            middle = length // 2  # one comma a sentence
            sentence = space.join(chosen[:middle]) + comma + space.join(chosen[middle:]) + stop
            sentences.append(sentence[0].upper() + sentence[1:])
        yield "".join(sentences).rstrip()


def prose(language: Language, n_bytes: int) -> str:
    """A text of at least `n_bytes` in UTF-8, paragraphs set apart by empty lines."""
    parts: list[str] = []
    size = 0
    for paragraph in paragraphs(language, np.random.default_rng(0)):
        parts.append(paragraph)
        size += len(paragraph.encode()) + 2
        if size >= n_bytes:
            break
    return "\n\n".join(parts)


def documents(number: int) -> list[str]:
    """Short English documents: a paragraph of some 80 words each."""
    source = paragraphs("English", np.random.default_rng(1))
    return [next(source) for _ in range(number)]


def keyword_queries(texts: list[str], number: int) -> list[str]:
    """Three to eight words of one text each, in any order."""
    rng = np.random.default_rng(2)
    queries = []
    for row in rng.integers(len(texts), size=number):
        words = texts[row].split()
        queries.append(" ".join(rng.choice(words, size=min(int(rng.integers(3, 9)), len(words)), replace=False)))
    return queries
