"""How much weight the dense leg of the hybrid search gets, chosen from the texts alone: no relevance judgements.

Sentences are taken out of their texts and used as questions, once per index. Three things are measured on them:

* How *flat* is BM25's answer? If the first text towers above the next nine, the words identify a text and keywords
  should decide. If ten texts score alike, the words only name a field, and closeness in meaning should.
* How *faithful* is the embedder? LSA: which share of a sentence can its topics express. A model from elsewhere hides
  that, so it counts as one half.
* Which leg *finds* the text that a sentence was taken from? Texts about everything (large or mixed collections) need
  more topics than LSA has, and then it finds less than BM25 does.

The first two are shares, and as odds they multiply; the third is a ratio, squared because both its sides err:

    odds(weight) = odds(flat) · odds(faithful) · (dense finds / keyword finds)²

What doesn't work is to choose the weight with which the hybrid finds the sentences' own texts best. Authors repeat
their own words, and people who ask don't know them, so that gives BM25 too much. And what this rule can't see is what
people will ask: looking for one known text among very similar ones wants keywords, though the texts look topical.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .analysis import terms
from .bm25 import BM25
from .embedder import LSA, Embedder
from .lsa import unit_rows
from .term_counts import TermCounts

PROBES = 300  # sentences taken out; the means of both shares are then known to about ±.02
ENOUGH = 10  # below this the weight is a guess
GUESS = 0.3  # costs little on every collection that we measured, whichever leg was better there
LARGEST = 5_000  # texts used for choosing the weight
MINIMUM_TERMS = 4  # a sentence with fewer says too little to be a question
RUNNERS_UP = 9
_SENTENCE = re.compile(r"[^.!?。！？\n]+[.!?。！？\n]*")


@dataclass(frozen=True)
class Evidence:
    """What was measured to weigh the legs; shares from 0 to 1."""

    probes: int
    flat: float = 0.0
    faithful: float = 0.0
    keyword_finds: float = 0.0  # mean reciprocal rank of the sentence's own text
    dense_finds: float = 0.0

    @property
    def dense_weight(self) -> float:
        """The weight of the dense leg; BM25 has the rest."""
        if self.probes < ENOUGH:
            return GUESS
        finds = max(self.dense_finds, 0.01) / max(self.keyword_finds, 0.01)
        odds = _odds(self.flat) * _odds(self.faithful) * finds**2
        return odds / (1 + odds)

    @property
    def warning(self) -> str:
        """What the user should know about a leg that finds much less than the other; empty if all is well."""
        if self.probes < ENOUGH:
            return ""
        if self.dense_finds < 0.5 * self.keyword_finds:
            return (
                f"the dense leg hurts: it finds the texts of held-out sentences with MRR {self.dense_finds:.2f}, "
                f"BM25 with {self.keyword_finds:.2f}; use --mode bm25, or an embedder that knows the language"
            )
        if self.keyword_finds < 0.5 * self.dense_finds:
            return (
                f"the keyword leg hurts: it finds the texts of held-out sentences with MRR {self.keyword_finds:.2f}, "
                f"the dense leg with {self.dense_finds:.2f}; use --mode dense"
            )
        return ""


def _odds(share: float) -> float:
    share = min(max(share, 0.01), 0.99)
    return share / (1 - share)


def hold_out(texts: Sequence[str], seed: int = 0) -> dict[int, tuple[str, str]]:
    """Take one sentence, never the first, out of up to 300 texts: {index: (sentence, the rest)}."""
    order = list(range(len(texts)))
    rng = random.Random(seed)
    rng.shuffle(order)
    held: dict[int, tuple[str, str]] = {}
    for i in order:
        sentences = [found.span() for found in _SENTENCE.finditer(texts[i])]
        rng.shuffle(later := sentences[1:])
        for start, end in later:
            if len(sentences) >= 3 and len(terms(texts[i][start:end])) >= MINIMUM_TERMS:
                held[i] = texts[i][start:end], texts[i][:start] + " " + texts[i][end:]
                break
        if len(held) == PROBES:
            break
    return held


def weigh(texts: Sequence[str], counts: TermCounts, embedder: Embedder, seed: int = 0) -> Evidence:
    """Measure both legs on sentences held out of these texts (`counts`: the texts' terms, in the same order)."""
    if len(texts) > LARGEST:
        chosen = sorted(random.Random(seed).sample(range(len(texts)), LARGEST))
        texts, counts = [texts[i] for i in chosen], counts.rows(chosen)
    held = hold_out(texts, seed)
    if len(held) < ENOUGH:
        return Evidence(len(held))
    sentences = [sentence for sentence, _ in held.values()]
    others = [i for i in range(len(texts)) if i not in held]
    rests = TermCounts.from_terms(terms(rest) for _, rest in held.values())
    without = rests.followed_by(counts.rows(others))  # row i of it: the text that sentence i was taken from
    keyword = BM25.from_counts(without)
    keyword_QN = np.stack([keyword.scores(sentence) for sentence in sentences])
    if isinstance(embedder, LSA):
        topics = LSA(embedder.dim, embedder.seed).fit_counts(without)
        questions_QK = topics.project(sentences)
        dense_QN = questions_QK @ unit_rows(topics.project_counts(without)).T
        faithful = float(np.linalg.norm(questions_QK, axis=1).mean())
    else:
        kept = [rest for _, rest in held.values()] + [texts[i] for i in others]
        dense_QN = embedder.embed(sentences) @ embedder.embed(kept).T
        faithful = 0.5
    return Evidence(len(held), flatness(keyword_QN), faithful, own_rank(keyword_QN), own_rank(dense_QN))


def flatness(scores_QN: np.ndarray) -> float:
    """How close the nine runners-up come to the best score, on average over the questions: 0 nowhere, 1 level."""
    top_QR = -np.sort(-scores_QN, axis=1)[:, : 1 + RUNNERS_UP]
    found = top_QR[:, 0] > 0
    if not found.any() or top_QR.shape[1] < 2:
        return 0.0
    return float((top_QR[found, 1:].mean(axis=1) / top_QR[found, 0]).mean())


def own_rank(scores_QN: np.ndarray) -> float:
    """Mean reciprocal rank of text i for question i."""
    own_Q = scores_QN[np.arange(len(scores_QN)), np.arange(len(scores_QN))]
    rank_Q = (scores_QN > own_Q[:, None]).sum(axis=1) + 1
    return float(np.where(own_Q > 0, 1 / rank_Q, 0).mean())
