"""ROUGE-1, -2 and -L in the dialect of the package `rouge` 1.0.1 from pip, which LongBench publishes its scores with.

It shares name and idea with google's (rouge_google.py), not the numbers:

    words       whatever stands between white space; case and punctuation count, so "Cat" and "cat," are two words
    sentences   every full stop ends one, so "3.5" is two sentences
    ROUGE-N     SETS of n-grams over the whole text, each counted once
    ROUGE-L     the set of words that lie in a longest common subsequence of any reference sentence with any predicted
                one, divided by the set of all words of either text
    F           2 · p · r / (p + r + 0.00000001): a perfect answer gets 0.999999995

By hand: "the cat saw the dog" against "the dog saw the cat". Each has the words {the, cat, saw, dog}: ROUGE-1 = 4/4.
Of 4 pairs each "the cat", "the dog" and "saw the" are common: ROUGE-2 = 3/4. In one order "the saw the", which is the
set {the, saw}: ROUGE-L = 2/4, where google's says 3/5.

A text with no sentence (empty, or only full stops) makes the package raise an error; LongBench counts it as 0, and so
do we. A text of white space is a sentence with one empty word.
The package reads the subsequence out of its table by recursion and fails when Python's limit is reached. LongBench
counts that as 0, too: a long and perhaps good answer gets nothing. We have no such limit; `compat=True` brings it back.
"""

from collections.abc import Sequence

from . import words_zh
from .lcs import lcs_positions
from .overlap import NOTHING, Overlap, best

Sentence = list[str]

# Python's limit of 1,000 calls less those that are open when LongBench's eval.py starts the recursion; its Chinese
# score calls its English one, which is one more.
STEPS_OF_LONGBENCH, STEPS_OF_LONGBENCH_ZH = 990, 989


def sentences(text: str) -> list[Sentence]:
    """The words of every stretch between full stops; one of white space alone holds the empty word."""
    return [stretch.split() or [""] for stretch in text.split(".") if stretch]


def rouge_n(predicted: Sequence[Sentence], expected: Sequence[Sentence], n: int) -> Overlap:
    """Overlap of the sets of n-grams, which run across the ends of sentences."""
    ours, theirs = _ngrams(predicted, n), _ngrams(expected, n)
    return _overlap(len(ours & theirs), len(ours), len(theirs))


def rouge_l(predicted: Sequence[Sentence], expected: Sequence[Sentence], max_steps: int | None = None) -> Overlap:
    """Overlap of the words in common subsequences with all words; nothing if reading one takes over `max_steps`."""
    common: set[str] = set()
    for reference in expected:
        for sentence in predicted:
            found = lcs_positions(sentence, reference)
            if max_steps is not None and steps(len(sentence), len(reference), found) > max_steps:
                return NOTHING
            common.update(reference[j] for _, j in found)
    return _overlap(len(common), len(set().union(*predicted)), len(set().union(*expected)))


def steps(n_a: int, n_b: int, found: Sequence[tuple[int, int]]) -> int:
    """Steps of the way through the table from its last cell to an edge; the package makes a call for each.

    A match moves in both texts at once. Before the first match nothing is in common, and only `a` is walked back.
    """
    first_a, first_b = found[0] if found else (n_a, n_b)
    return (n_a - first_a) + (n_b - first_b) - len(found) + (first_a if first_b else 0)


def _ngrams(text: Sequence[Sentence], n: int) -> set[tuple[str, ...]]:
    words = [word for sentence in text for word in sentence]
    return set(zip(*(words[start:] for start in range(n)), strict=False))


def _overlap(common: int, predicted: int, expected: int) -> Overlap:
    precision = common / predicted if predicted else 0.0
    recall = common / expected if expected else 0.0
    return Overlap(precision, recall, 2 * (precision * recall / (precision + recall + 1e-8)))


def _n(pred: str, answers: Sequence[str], n: int) -> float:
    predicted = sentences(pred)
    return best(answers, lambda answer: rouge_n(predicted, sentences(answer), n).f)


def _l(pred: str, answers: Sequence[str], max_steps: int | None) -> float:
    predicted = sentences(pred)
    return best(answers, lambda answer: rouge_l(predicted, sentences(answer), max_steps).f)


def spaced(text: str) -> str:
    """Chinese with spaces between jieba's words, as LongBench hands it to the package. Its 。 ends no sentence."""
    return " ".join(words_zh.cut(text))


def rouge_1_pip(pred: str, answers: list[str]) -> float:
    return _n(pred, answers, 1)


def rouge_2_pip(pred: str, answers: list[str]) -> float:
    return _n(pred, answers, 2)


def rouge_l_pip(pred: str, answers: list[str], *, compat: bool = False) -> float:
    """F of the best reference; `compat`: 0 where LongBench's recursion would overflow."""
    return _l(pred, answers, STEPS_OF_LONGBENCH if compat else None)


def rouge_1_zh_pip(pred: str, answers: list[str]) -> float:
    return _n(spaced(pred), [spaced(answer) for answer in answers], 1)


def rouge_2_zh_pip(pred: str, answers: list[str]) -> float:
    return _n(spaced(pred), [spaced(answer) for answer in answers], 2)


def rouge_l_zh_pip(pred: str, answers: list[str], *, compat: bool = False) -> float:
    """F of the best reference; `compat`: 0 where LongBench's recursion would overflow."""
    return _l(spaced(pred), [spaced(answer) for answer in answers], STEPS_OF_LONGBENCH_ZH if compat else None)
