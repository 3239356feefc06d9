"""Compare with tiny_llama3.bpe, with merges that were really learned."""

import random
from types import ModuleType

from tiny_shared.exercises import expect

from tiny_llama3 import bpe


def check(answer: ModuleType) -> None:
    rng = random.Random(2)
    cases = [([7, 7, 7], (7, 7), 256), ([1, 2, 1, 2], (1, 2), 256), ([2, 1, 2], (1, 2), 256), ([], (1, 2), 256)]
    for _ in range(60):
        ids = [rng.randrange(3) for _ in range(rng.randrange(9))]
        cases.append((ids, (rng.randrange(3), rng.randrange(3)), 256))
    for ids, pair, new in cases:
        given = list(ids)
        got = answer.merge(given, pair, new)
        expect(f"merge({ids}, {pair}, {new})", got, bpe.merge(list(ids), {pair: 0}, {0: new}))
        expect(f"after merge({ids}, {pair}, {new}), the list that it was given", given, ids)

    ranks = [{(1, 2): 0, (3, 4): 1, (2, 3): 2, (256, 257): 3}, {(2, 3): 0, (1, 2): 1}, {(1, 1): 0, (256, 256): 1}]
    tests = [(ranks[0], [1, 2, 3, 4]), (ranks[1], [1, 2, 3]), (ranks[2], [1] * 7), ({}, [1, 2]), (ranks[1], [])]
    for _ in range(20):
        words = {"".join(rng.choices("abc", k=rng.randrange(2, 12))): rng.randrange(1, 9) for _ in range(10)}
        learned = {pair: rank for rank, pair in enumerate(bpe.learn_merges(words, 8))}
        text = "".join(rng.choices("abcd", k=rng.randrange(1, 15)))
        tests.append((learned, [bpe.BYTE_ORDER.index(byte) for byte in text.encode()]))
    for rank_of, ids in tests:
        wanted = bpe.merge(list(ids), rank_of, {rank: 256 + rank for rank in rank_of.values()})
        expect(f"(the lowest rank comes first) encode({ids}, {rank_of})", answer.encode(list(ids), rank_of), wanted)
