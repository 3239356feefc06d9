"""Token F1 and exact match, as SQuAD (arXiv:1606.05250) and LongBench (arXiv:2308.14508) score short answers.

    common = Σ over words of min(times predicted, times expected)      then precision, recall, F: overlap.py

By hand: "The cat sat on the mat" against "A cat on a mat". The articles go: cat sat on mat / cat on mat. 3 words in
common of 4 predicted and 3 expected: precision 3/4, recall 3/3, F1 = 2 · 0.75 · 1 / 1.75 = 0.857. No exact match.

An empty answer has no word in common with anything, so its F1 is 0, even against an empty reference (SQuAD 2.0 would
give 1 there, for a question without an answer; LongBench has no such questions).
"""

from collections import Counter
from collections.abc import Sequence

from . import words_en, words_zh
from .overlap import Overlap, best, overlap


def qa_f1(pred: str, answers: list[str]) -> float:
    """English token F1 of the best reference, 0 to 1."""
    predicted = words_en.words(pred)
    return best(answers, lambda answer: f1(predicted, words_en.words(answer)).f)


def qa_f1_zh(pred: str, answers: list[str]) -> float:
    """Chinese token F1 of the best reference, 0 to 1."""
    predicted = words_zh.words(pred)
    return best(answers, lambda answer: f1(predicted, words_zh.words(answer)).f)


def exact_match(pred: str, answers: list[str]) -> float:
    """1 if the normalised English texts are the same for one of the references, else 0."""
    predicted = words_en.normalized(pred)
    return best(answers, lambda answer: float(predicted == words_en.normalized(answer)))


def exact_match_zh(pred: str, answers: list[str]) -> float:
    """1 if the Chinese texts are the same without punctuation, white space and case, else 0. Needs no jieba."""
    predicted = words_zh.normalized(pred)
    return best(answers, lambda answer: float(predicted == words_zh.normalized(answer)))


def f1(predicted: Sequence[str], expected: Sequence[str]) -> Overlap:
    """Overlap of two bags of words: a word counts as often as both have it."""
    common = Counter(predicted) & Counter(expected)
    return overlap(common.total(), len(predicted), len(expected))
