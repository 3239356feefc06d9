"""Cut texts into pieces, and compare with PyTorch's attention over the whole."""

from types import ModuleType

import torch
from tiny_shared.exercises import expect
from torch.nn import functional


def check(answer: ModuleType) -> None:
    values, wanted = torch.tensor([2.0, 4, 9]).view(1, 3, 1), [2.0, 3.0, 5.0]
    for pieces in ([3], [1, 1, 1], [2, 1], [1, 2]):
        cache, start = answer.Cache(1, 1), 0
        for piece in pieces:
            stop = start + piece
            zeros, new = torch.zeros(1, piece, 1), values[:, start:stop]
            got = answer.attend(zeros.clone(), zeros.clone(), new.clone(), cache)
            what = f"attend with zero queries and the values 2, 4, 9 in pieces of {pieces}"
            expect(f"the shape of {what}: positions {start} to {stop - 1}", list(got.shape), [1, piece, 1])
            expect(f"{what}: positions {start} to {stop - 1}", rounded(got), wanted[start:stop], 3e-4)
            shapes = [list(cache.keys.shape), list(cache.values.shape)]
            expect(f"{what}: the cache's shapes after {stop} positions", shapes, [[1, stop, 1]] * 2)
            start = stop

    torch.manual_seed(7)
    for h, k, pieces in [(1, 2, [4]), (2, 4, [1, 1, 1, 1]), (3, 8, [3, 1, 1]), (2, 3, [1, 3, 2]), (4, 2, [2, 4, 1])]:
        texts = torch.randn(2, 3, h, sum(pieces), k)  # two texts, each with its cache, in turn
        caches, start = [answer.Cache(h, k), answer.Cache(h, k)], 0
        for piece in pieces:
            stop = start + piece
            for number, ((query, key, value), cache) in enumerate(zip(texts, caches, strict=True)):
                whole = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
                got = answer.attend(*(each[:, start:stop].clone() for each in (query, key, value)), cache)
                what = f"attend with H = {h}, K = {k}, two texts in turn, in pieces of {pieces}"
                expect(f"the shape of {what}: positions {start} to {stop - 1}", list(got.shape), [h, piece, k])
                for head in range(h):
                    for place in range(piece):
                        where = f"{what}: text {number}, head {head}, position {start + place}"
                        wanted = rounded(whole[head, start + place])
                        expect(where, rounded(got[head, place]), wanted, 3e-4)
            start = stop


def rounded(numbers: torch.Tensor) -> list[float]:
    """On one line."""
    return [round(number, 4) for number in numbers.flatten().tolist()]
