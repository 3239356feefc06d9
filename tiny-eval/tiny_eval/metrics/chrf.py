"""chrF (Popović 2015, aclanthology.org/W15-3049), as sacrebleu computes it by default: chrF2, character n-grams.

For n = 1 … 6, characters (blanks removed) give a precision and a recall of n-grams. Both are averaged over the orders
that prediction and reference are long enough for, and joined with recall counting twice as much (beta = 2):

    chrF = (1 + beta²) · P · R / (beta² · P + R)

By hand: prediction "ab", reference "abc". n = 1: 2 of 2 match, of the reference's 3; n = 2: 1 of 1, of 2. n = 3 is
left out: the prediction has no 3 characters. P = (1 + 1)/2 = 1, R = (2/3 + 1/2)/2 = 7/12, and
chrF = 5 · 7/12 / (4 + 7/12) = 35/55 = 0.636. No words are needed, so it serves Chinese as it is.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

ORDERS, BETA = 6, 2
Counts = tuple[int, ...]  # for each order: n-grams of the prediction, of the reference, matches


def chrf_sentence(pred: str, answers: Sequence[str]) -> float:
    """chrF2 of one prediction, 0 to 1; the best reference counts."""
    return _f_score(_best_counts(pred, answers))


def chrf_corpus(preds: Sequence[str], answers_lists: Sequence[Sequence[str]]) -> float:
    """chrF2 of a corpus, 0 to 100: counts (each row's against its best reference) are added before dividing."""
    return 100 * _f_score(_added(_best_counts(*row) for row in zip(preds, answers_lists, strict=True)))


def _ngrams(text: str) -> list[Counter[str]]:
    """The character n-grams of each order, counted."""
    characters = "".join(text.split())
    return [Counter(characters[i : i + n] for i in range(len(characters) - n + 1)) for n in range(1, ORDERS + 1)]


def _best_counts(pred: str, answers: Sequence[str]) -> Counts:
    if not answers:
        raise ValueError("chrF needs at least one reference (answers is empty)")
    ours = _ngrams(pred)
    return max((_counts(ours, _ngrams(answer)) for answer in answers), key=_f_score)  # the first of the best


def _counts(ours: Iterable[Counter[str]], theirs: Iterable[Counter[str]]) -> Counts:
    counts: list[int] = []
    for own, other in zip(ours, theirs, strict=True):
        matches = sum(min(count, other[ngram]) for ngram, count in own.items())
        # n-grams longer than the reference aren't held against the prediction: sacrebleu's rule, seen in corpus sums
        counts += (own.total() if other else 0, other.total(), matches)
    return tuple(counts)


def _added(rows: Iterable[Counts]) -> Counts:
    return tuple(sum(column) for column in zip(*rows, strict=True))


def _f_score(counts: Counts) -> float:
    """chrF, 0 to 1."""
    orders = [counts[i : i + 3] for i in range(0, len(counts), 3)]
    long_enough = [(own, other, matches) for own, other, matches in orders if own and other]
    precision = sum(matches / own for own, _, matches in long_enough)
    recall = sum(matches / other for _, other, matches in long_enough)
    if precision + recall == 0:
        return 0.0
    precision, recall = precision / len(long_enough), recall / len(long_enough)
    return (1 + BETA**2) * precision * recall / (BETA**2 * precision + recall)
