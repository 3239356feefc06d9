"""What the translations are worth: exact match, and BLEU and chrF by sacrebleu, with its signature."""

from collections.abc import Sequence
from typing import Any


def score(metric: str, translations: Sequence[str], references: Sequence[str]) -> float:
    """`exact_match` from 0 to 1, `bleu` from 0 to 100."""
    return float(all_scores(translations, references)[metric])


def all_scores(translations: Sequence[str], references: Sequence[str]) -> dict[str, Any]:
    from sacrebleu.metrics import BLEU, CHRF  # only now: it takes a while to load

    bleu, equal = BLEU(), sum(ours == theirs for ours, theirs in zip(translations, references, strict=True))
    found = bleu.corpus_score(list(translations), [list(references)])
    return {
        "exact_match": equal / len(references),
        "bleu": found.score,
        "chrf": CHRF().corpus_score(list(translations), [list(references)]).score,
        "signature": f"BLEU {bleu.get_signature()}",
    }
