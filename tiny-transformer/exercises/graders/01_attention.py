"""Compare with tiny_transformer.attention."""

import random
from types import ModuleType

import torch
from tiny_shared.exercises import expect

from tiny_transformer.attention import scaled_dot_product_attention

Case = tuple[list[float], list[list[float]], list[list[float]]]  # query, keys, values


def check(answer: ModuleType) -> None:
    rng = random.Random(1)

    def numbers(count: int, size: float) -> list[float]:
        return [round(rng.uniform(-size, size), 2) for _ in range(count)]

    cases: list[Case] = [([2.0, 2, 0, 0], [[1.0, 1, 0, 0], [1, -1, 0, 0], [0, 0, 1, 1]], [[10.0], [20], [30]])]
    for case in range(50):
        k, s, v = rng.randrange(1, 6), rng.randrange(1, 5), rng.randrange(1, 4)
        size = 100.0 if case % 5 == 4 else 2.0
        keys, values = [numbers(k, size) for _ in range(s)], [numbers(v, 9) for _ in range(s)]
        cases.append((numbers(k, size), keys, values))
    for query, keys, values in cases:
        got = answer.attention(list(query), [list(key) for key in keys], [list(value) for value in values])
        query_1K, key_SK, value_SV = (torch.tensor(x, dtype=torch.float64) for x in ([query], keys, values))
        wanted = scaled_dot_product_attention(query_1K, key_SK, value_SV)[0].tolist()
        expect(f"attention({query}, {keys}, {values})", got, wanted, 1e-9)
