"""ROUGE-1, -2, -L and -Lsum in the dialect of google's `rouge-score` 0.1.2 (Lin 2004, aclanthology.org/W04-1013).

    ROUGE-N     bags of n-grams: an n-gram counts as often as both texts have it
    ROUGE-L     the longest common subsequence of the whole texts, in tokens
    ROUGE-Lsum  per line: the tokens of a reference line that are in a common subsequence with any predicted line, each
                counted at most as often as both texts have it

Each gives precision, recall and F (overlap.py); the score is F, of the best reference. A token is a run of a-z and 0-9
in the lower-cased text. By hand: "The cat saw the dog." against "The dog saw the cat.": the same 5 words, ROUGE-1 = 1;
"the cat", "the dog" and "saw the" of 4 pairs each, ROUGE-2 = 3/4; in one order "the saw the", ROUGE-L = 3/5.

The `_stem` scorers cut words longer than 3 letters to their stems first (porter.py). These tokens drop every Chinese
character, so a Chinese text scores 0 with the plain scorers; the `_zh` scorers take jieba's words instead.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence

from . import words_zh
from .lcs import lcs_length, lcs_positions
from .overlap import Overlap, best, overlap
from .porter import stem

Tokens = list[str]
Tokenizer = Callable[[str], Tokens]
_TOKEN = re.compile(r"[a-z0-9]+")


def tokens(text: str) -> Tokens:
    """The lower-cased runs of a-z and 0-9; all else, accents and Chinese included, only separates them."""
    return _TOKEN.findall(text.lower())


def stems(text: str) -> Tokens:
    return [stem(token) if len(token) > 3 else token for token in tokens(text)]


def tokens_zh(text: str) -> Tokens:
    """jieba's words of the lower-cased text that have a letter, a digit or a Chinese character in them."""
    return [word for word in words_zh.cut(text.lower()) if any(character.isalnum() for character in word)]


def rouge_n(predicted: Sequence[str], expected: Sequence[str], n: int) -> Overlap:
    """Overlap of the bags of n-grams."""
    ours, theirs = _ngrams(predicted, n), _ngrams(expected, n)
    return overlap((ours & theirs).total(), ours.total(), theirs.total())


def rouge_l(predicted: Sequence[str], expected: Sequence[str]) -> Overlap:
    """Overlap in one order: the longest common subsequence of the tokens."""
    return overlap(lcs_length(expected, predicted), len(predicted), len(expected))


def rouge_lsum(predicted: Sequence[Sequence[str]], expected: Sequence[Sequence[str]]) -> Overlap:
    """Overlap line by line: `predicted` and `expected` are the tokens of each line."""
    left = Counter(token for line in predicted for token in line)
    n_predicted, hits = left.total(), 0
    for line in expected:
        covered = {i for other in predicted for i, _ in lcs_positions(line, other)}
        for token in (line[i] for i in sorted(covered)):
            if left[token] > 0:  # as in ROUGE-1.5.5; the paper would count one predicted word for several lines
                hits += 1
                left[token] -= 1
    return overlap(hits, n_predicted, sum(map(len, expected)))


def lines(text: str, tokenizer: Tokenizer) -> list[Tokens]:
    """The tokens of each line: ROUGE-Lsum takes a line for a sentence."""
    return [tokenizer(line) for line in text.split("\n")]


def _ngrams(sequence: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(sequence[start:] for start in range(n)), strict=False))


def _n(pred: str, answers: Sequence[str], n: int, tokenizer: Tokenizer) -> float:
    predicted = tokenizer(pred)
    return best(answers, lambda answer: rouge_n(predicted, tokenizer(answer), n).f)


def _l(pred: str, answers: Sequence[str], tokenizer: Tokenizer) -> float:
    predicted = tokenizer(pred)
    return best(answers, lambda answer: rouge_l(predicted, tokenizer(answer)).f)


def _lsum(pred: str, answers: Sequence[str], tokenizer: Tokenizer) -> float:
    predicted = lines(pred, tokenizer)
    return best(answers, lambda answer: rouge_lsum(predicted, lines(answer, tokenizer)).f)


def rouge_1_google(pred: str, answers: list[str]) -> float:
    return _n(pred, answers, 1, tokens)


def rouge_2_google(pred: str, answers: list[str]) -> float:
    return _n(pred, answers, 2, tokens)


def rouge_l_google(pred: str, answers: list[str]) -> float:
    return _l(pred, answers, tokens)


def rouge_lsum_google(pred: str, answers: list[str]) -> float:
    return _lsum(pred, answers, tokens)


def rouge_1_google_stem(pred: str, answers: list[str]) -> float:
    return _n(pred, answers, 1, stems)


def rouge_2_google_stem(pred: str, answers: list[str]) -> float:
    return _n(pred, answers, 2, stems)


def rouge_l_google_stem(pred: str, answers: list[str]) -> float:
    return _l(pred, answers, stems)


def rouge_lsum_google_stem(pred: str, answers: list[str]) -> float:
    return _lsum(pred, answers, stems)


def rouge_1_zh_google(pred: str, answers: list[str]) -> float:
    return _n(pred, answers, 1, tokens_zh)


def rouge_2_zh_google(pred: str, answers: list[str]) -> float:
    return _n(pred, answers, 2, tokens_zh)


def rouge_l_zh_google(pred: str, answers: list[str]) -> float:
    return _l(pred, answers, tokens_zh)


def rouge_lsum_zh_google(pred: str, answers: list[str]) -> float:
    return _lsum(pred, answers, tokens_zh)
