"""What the translations are worth: exact match, and BLEU and chrF by sacrebleu, with its signature."""

from collections.abc import Sequence
from typing import Any


def score(metric: str, translations: Sequence[str], references: Sequence[str]) -> float:
    """`exact_match` from 0 to 1, `bleu` from 0 to 100; only this one is computed."""
    if metric == "exact_match":
        return exact_match(translations, references)
    from sacrebleu.metrics import BLEU  # only now: it takes a while to load

    return float(BLEU().corpus_score(list(translations), [list(references)]).score)


def exact_match(translations: Sequence[str], references: Sequence[str]) -> float:
    return sum(ours == theirs for ours, theirs in zip(translations, references, strict=True)) / len(references)


def all_scores(translations: Sequence[str], references: Sequence[str]) -> dict[str, Any]:
    """Both of them, chrF, and sacrebleu's signature."""
    from sacrebleu.metrics import BLEU, CHRF

    bleu, equal = BLEU(), exact_match(translations, references)
    found = bleu.corpus_score(list(translations), [list(references)])
    return {
        "exact_match": equal,
        "bleu": found.score,
        "chrf": CHRF().corpus_score(list(translations), [list(references)]).score,
        "signature": f"BLEU {bleu.get_signature()}",
    }
