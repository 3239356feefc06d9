"""BLEU (Papineni et al. 2002, aclanthology.org/P02-1040), with the tokenisation and smoothing of sacrebleu 2.

For n = 1 … 4, the precision p_n says which share of the prediction's n-grams also stands in a reference; an n-gram
that the reference has twice can be matched twice, not three times. Over a whole corpus, counts are added first:

    BLEU = 100 · brevity · (p_1 · p_2 · p_3 · p_4)^(1/4)      brevity = min(1, exp(1 − reference length / length))

By hand: prediction "the cat sat", reference "the cat sat down". All n-grams match: p_1 = 3/3, p_2 = 2/2, p_3 = 1/1;
there is no 4-gram, so a sentence's score uses three orders (a corpus without any 4-gram scores 0). The prediction has
3 words and the reference 4: brevity = exp(1 − 4/3) = 0.7165, and sentence BLEU = 71.65.

Smoothing ("exp", Chen & Cherry 2014, method 3): the first order without a match counts as half a match, the next as
a quarter, and so on. A prediction without a single matching word scores 0.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

ORDERS = 4
Tokenizer = Callable[[str], list[str]]

# ASCII punctuation but ' , - . stands alone. Full stop and comma do too, unless a digit is next to them, and so does
# a dash after a digit. In this order: each rule sees the spaces that the one before it set (mteval-v13a, NIST).
_RULES = (
    (re.compile(r"([ !-&(-+/:-@\[-`{-~])"), r" \1 "),
    (re.compile(r"([^0-9])([.,])"), r"\1 \2 "),
    (re.compile(r"([.,])([^0-9])"), r" \1 \2"),
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),
)
_ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))

# What sacrebleu's zh tokenizer sets apart. 2001–2A6D (arrows, mathematical signs, …) is there by a slip: it means the
# characters 20000–2A6D6, which it leaves together. Scores are only comparable with that slip kept.
_CHINESE = re.compile(
    "([\u2001-\u2a6d\u2e80-\u2fdf\u2ff0-\u303f\u3100-\u312f\u31a0-\u31ef\u3200-\u4db5\u4e00-\u9fbb"
    "\uf900-\ufa2d\ufa30-\ufa6a\ufa70-\ufad9\ufe10-\ufe1f\ufe30-\ufe4f\uff00-\uffef])"
)


def tokens_13a(text: str) -> list[str]:
    """The WMT tokenisation: "It's 3.5-ish." becomes It's, 3.5, -, ish and the full stop."""
    text = text.rstrip().replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    return _split(f" {text} ")


def tokens_zh(text: str) -> list[str]:
    """Every Chinese character stands alone; the rest as in 13a: "我有GPU." becomes 我, 有, GPU and the full stop."""
    return _split(_CHINESE.sub(r" \1 ", text.strip()))


def _split(text: str) -> list[str]:
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text.split()


def bleu_sentence(pred: str, answers: Sequence[str]) -> float:
    """Sentence BLEU, 0 to 1: all references count together, and only orders that the prediction is long enough for."""
    return _bleu([_counts(pred, answers, tokens_13a)], effective_order=True) / 100


def bleu_zh_sentence(pred: str, answers: Sequence[str]) -> float:
    """Sentence BLEU over Chinese characters, 0 to 1."""
    return _bleu([_counts(pred, answers, tokens_zh)], effective_order=True) / 100


def bleu_corpus(preds: Sequence[str], answers_lists: Sequence[Sequence[str]]) -> float:
    """Corpus BLEU, 0 to 100: counts are added over all rows before dividing, so it's no mean of sentence scores."""
    return _corpus(preds, answers_lists, tokens_13a)


def bleu_zh_corpus(preds: Sequence[str], answers_lists: Sequence[Sequence[str]]) -> float:
    """Corpus BLEU over Chinese characters, 0 to 100."""
    return _corpus(preds, answers_lists, tokens_zh)


def _corpus(preds: Sequence[str], answers_lists: Sequence[Sequence[str]], tokens: Tokenizer) -> float:
    rows = zip(preds, answers_lists, strict=True)
    return _bleu([_counts(pred, answers, tokens) for pred, answers in rows], effective_order=False)


def _ngrams(words: Sequence[str]) -> Counter[tuple[str, ...]]:
    """The n-grams of all orders, counted."""
    return Counter(tuple(words[i : i + n]) for n in range(1, ORDERS + 1) for i in range(len(words) - n + 1))


def _counts(pred: str, answers: Sequence[str], tokens: Tokenizer) -> list[int]:
    """[length, reference length, matches of each order, n-grams of each order] of one row."""
    if not answers:
        raise ValueError("BLEU needs at least one reference (answers is empty)")
    words = tokens(pred)
    references = [tokens(answer) for answer in answers]
    allowed: Counter[tuple[str, ...]] = Counter()
    for reference in references:
        allowed |= _ngrams(reference)  # as often as in the reference that has it most often
    closest = min((abs(len(words) - len(reference)), len(reference)) for reference in references)[1]
    matches, totals = [0] * ORDERS, [0] * ORDERS
    for ngram, count in _ngrams(words).items():
        totals[len(ngram) - 1] += count
        matches[len(ngram) - 1] += min(count, allowed[ngram])
    return [len(words), closest, *matches, *totals]


def _bleu(rows: Iterable[Sequence[int]], effective_order: bool) -> float:
    """BLEU, 0 to 100, from the counts of its rows."""
    length, reference_length, *counts = (sum(column) for column in zip(*rows, strict=True))
    matches, totals = counts[:ORDERS], counts[ORDERS:]
    if not any(matches):
        return 0.0
    logs, half = [], 1.0
    for match, total in zip(matches, totals, strict=True):
        if total == 0:
            break
        if match == 0:
            half /= 2
        logs.append(math.log(match / total if match else half / total))
    if len(logs) < ORDERS and not effective_order:
        return 0.0
    brevity = 1.0 if length >= reference_length else math.exp(1 - reference_length / length)
    return 100 * brevity * math.exp(sum(logs) / len(logs))
