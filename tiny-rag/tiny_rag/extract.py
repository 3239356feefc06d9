"""Answers without a model: the sentences that hold most of the question's words, quoted and cited.

A word counts by its rarity (BM25's idf), so "E23" counts more than "error". Where the passages hold too little of the
question, the honest answer is that it isn't in the documents.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from .analysis import content_words, stem, terms
from .passages import Passage
from .prompt import language_of
from .sentences import Sentence, split

# Share of the question's weight that the best passage must hold; Chinese words also count in pieces, so more is asked.
REFUSE_BELOW = {"en": 0.38, "zh": 0.45}
CONTEXT = 0.5  # what a word in the heading or a neighbouring sentence counts, compared with one in the sentence
ANOTHER_QUOTE = 0.7  # a second passage is quoted only if its best sentence holds this share of what the first holds
QUOTES = 3
SHORT = 80  # characters; a sentence that is shorter is quoted with the one after it

_ASKS_FOR_NUMBER = re.compile(
    r"\bhow (?:many|much|long|far|old|wide|heavy|tall|high|deep|often)\b|\bwhen\b|\bwhat (?:year|date|number|time)\b"
    r"|多少|几|幾|多[久长長大高重宽寬远遠深]|哪[一]?[年天月日]|何时|何時|什么时候|什麼時候",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\d|[一二三四五六七八九十百千两兩]|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|"
    r"twenty|thirty|forty|fifty|hundred|thousand|half|midnight|noon|once|twice)\b",
    re.IGNORECASE,
)
NUMBER_BONUS = 0.15


@dataclass(frozen=True)
class Quote:
    """A verbatim stretch of a passage: `passages[number - 1].text[start:end] == text`."""

    number: int
    text: str
    start: int
    end: int
    held: float  # share of the question's weight in its best sentence and around it


def extract(question: str, passages: Sequence[Passage], weight_of: Callable[[str], float]) -> list[Quote]:
    """The best quotes from the best passages, best first; empty if the passages don't hold the question.

    `weight_of` gives a term's idf, also of terms that no document has.
    """
    words = content_words(question)
    weights = {word: weight_of(word) for word in words}
    if not passages or not sum(weights.values()):
        return []
    if max(held(weights, passage.search_text) for passage in passages) < REFUSE_BELOW[language_of(question)]:
        return []
    wants_number = bool(_ASKS_FOR_NUMBER.search(question))
    quotes = []
    for number, passage in enumerate(passages, start=1):
        if quote := best_quote(weights, number, passage, wants_number):
            quotes.append(quote)
    quotes.sort(key=lambda quote: -quote.held)  # stable: among equals the better passage comes first
    return [quote for quote in quotes[:QUOTES] if quote.held >= ANOTHER_QUOTE * quotes[0].held]


def best_quote(weights: dict[str, float], number: int, passage: Passage, wants_number: bool) -> Quote | None:
    """The sentence of one passage that holds most of the question, or stands where it is held; None if none does."""
    sentences = split(passage.text)
    around = " ".join([passage.title, *passage.heading])
    best: tuple[float, int] = (0.0, -1)
    for i, sentence in enumerate(sentences):
        own = held(weights, sentence.text)
        near = held(weights, " ".join([around, *(s.text for s in sentences[max(i - 2, 0) : i + 2])]))
        score = own + CONTEXT * (near - own)
        if own and wants_number and _NUMBER.search(sentence.text):
            score += NUMBER_BONUS
        if not _is_heading(sentence, passage) and score > best[0]:
            best = score, i
    if best[1] < 0:
        return None
    first = last = best[1]
    if len(sentences[first].text) < SHORT and last + 1 < len(sentences):
        last += 1
    start, end = sentences[first].start, sentences[last].end
    return Quote(number, passage.text[start:end], start, end, best[0])


def _is_heading(sentence: Sentence, passage: Passage) -> bool:
    return sentence.text.strip("# ") in (passage.title, *passage.heading)


def held(weights: dict[str, float], text: str) -> float:
    """Share of the question's weight whose words occur in the text; a word in pieces (雷 of 打雷) counts half."""
    have = _terms_of(text)
    total = 0.0
    for word, weight in weights.items():
        if word in have or stem(word) in have:
            total += weight
        elif len(word) > 1 and not word.isascii():
            total += 0.5 * weight * sum(character in have for character in word) / len(word)
    return total / sum(weights.values())


@lru_cache(maxsize=4096)
def _terms_of(text: str) -> frozenset[str]:
    return frozenset(terms(text))
