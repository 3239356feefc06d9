"""Compare with the text written out in full, and with the first merge of tiny_llama3.bpe."""

import random
from collections import Counter
from itertools import pairwise
from types import ModuleType

from tiny_shared.exercises import expect

from tiny_llama3.bpe import BYTE_ORDER, learn_merges

Counts = dict[tuple[int, ...], int]


def written_out(count_of: Counts) -> dict[tuple[int, int], int]:
    return dict(Counter(pair for ids, count in count_of.items() for _ in range(count) for pair in pairwise(ids)))


def check(answer: ModuleType) -> None:
    rng = random.Random(1)
    cases: list[Counts] = [{(1, 2, 3): 5, (1, 2, 3, 4): 3, (2, 3, 4): 2}, {(3, 3, 3): 2}, {(1, 2): 1, (2, 1): 4}]
    cases += [{(5,): 9}, {}]
    for _ in range(30):
        pretokens = {tuple(rng.randrange(4) for _ in range(rng.randrange(1, 7))) for _ in range(rng.randrange(1, 6))}
        cases.append({ids: rng.randrange(1, 20) for ids in sorted(pretokens)})
    for count_of in cases:
        expect(f"count_pairs({count_of})", answer.count_pairs(dict(count_of)), written_out(count_of))
    for _ in range(20):
        words = {"".join(rng.choices("aehnt", k=rng.randrange(2, 7))): rng.randrange(1, 50) for _ in range(8)}
        got = answer.count_pairs({tuple(map(BYTE_ORDER.index, word.encode())): n for word, n in words.items()})
        best = max(got, key=lambda pair: (got[pair], -pair[0], -pair[1]))
        expect(f"the most frequent pair of {words}", best, learn_merges(words, 1)[0])
