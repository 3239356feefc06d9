"""Compare with tiny_rag.bm25. The words are their own stems, so that its analysis of the query changes nothing."""

import random
from types import ModuleType

from tiny_shared.exercises import expect

from tiny_rag.bm25 import BM25
from tiny_rag.term_counts import TermCounts

WORDS = ["lantern", "soup", "dome", "comet", "owl", "moth"]


def check(answer: ModuleType) -> None:
    menu = [["lantern", "stair"], ["lantern", "lantern", "bun", "soup"], ["comet", "kitchen", "soup"]]
    rng = random.Random(3)
    collections = [menu] + [[rng.choices(WORDS, k=rng.randrange(1, 9)) for _ in range(5)] for _ in range(40)]
    for texts in collections:
        index = BM25.from_counts(TermCounts.from_terms(texts))
        for query in (["lantern"], ["soup", "lantern"], ["nowhere"], ["soup", "nowhere", "comet"]):
            wanted = index.scores(" ".join(query))
            for number in range(len(texts)):
                question = f"score({texts}, {query}, {number})"
                expect(question, float(answer.score(texts, query, number)), float(wanted[number]), 1e-5)
