"""Look at each rule alone, then compare with PyTorch's attention over expanded keys."""

from types import ModuleType

import torch
from tiny_shared.exercises import expect
from torch import Tensor
from torch.nn import functional

NAME = "grouped_attention"


def check(answer: ModuleType) -> None:
    zeros, values = torch.zeros(1, 1, 4, 1), torch.tensor([1.0, 2, 3, 6]).view(1, 1, 4, 1)
    masks = [
        ("nobody looks ahead", [0, 0, 0, 0], [1, 1.5, 2, 3]),
        ("documents don't see each other", [0, 0, 1, 1], [1, 1.5, 3, 4.5]),
        ("the same number is the same document", [5, 7, 5, 7], [1, 2, 2, 4]),
    ]
    for rule, numbers, wanted in masks:
        got = answer.grouped_attention(zeros.clone(), zeros.clone(), values.clone(), torch.tensor([numbers]))
        expect(f"the shape of {NAME} with B = H = G = K = 1 and T = 4", list(got.shape), [1, 1, 4, 1])
        what = f"({rule}) {NAME} of zero queries, the values 1, 2, 3, 6 and the documents {numbers}"
        expect(what, rounded(got), wanted, 2e-4)

    query, key = torch.tensor([[9.0, 9, 9, 9], [2, 2, 0, 0]]), torch.tensor([[1.0, 1, 0, 0], [0, 0, 0, 0]])
    value = torch.tensor([[10.0] * 4, [20.0] * 4])
    got = answer.grouped_attention(*(each[None, None] for each in (query, key, value)), torch.zeros(1, 2).long())
    what = (
        "(scores are divided by √K) the answer to [2, 2, 0, 0], with the keys [1, 1, 0, 0] and zeros, the values 10, 20"
    )
    expect(what, rounded(got[0, 0, 1, :1]), [11.192], 1e-3)

    value = torch.tensor([[[[1.0, 1]], [[2.0, 2]]]])  # of key head 0, of key head 1
    got = answer.grouped_attention(torch.zeros(1, 4, 1, 2), torch.zeros(1, 2, 1, 2), value, torch.zeros(1, 1).long())
    what = (
        "(neighbouring heads share one head of keys) with H = 4, G = 2 and the values 1 and 2, what heads 0 to 3 answer"
    )
    expect(what, rounded(got[..., 0]), [1.0, 1.0, 2.0, 2.0], 2e-4)

    torch.manual_seed(4)
    for b, h, g, t, k in [(1, 1, 1, 3, 2), (2, 4, 2, 5, 4), (2, 6, 2, 4, 3), (1, 6, 1, 7, 2), (3, 3, 3, 6, 8)]:
        query, key, value = torch.randn(b, h, t, k), torch.randn(b, g, t, k), torch.randn(b, g, t, k)
        documents = (torch.rand(b, t) < 0.3).cumsum(1)
        got = answer.grouped_attention(query.clone(), key.clone(), value.clone(), documents.clone())
        what = f"{NAME} with B, H, G, T, K = {b}, {h}, {g}, {t}, {k}"
        expect(f"the shape of {what}", list(got.shape), [b, h, t, k])
        everything = expanded(query, key, value, documents)
        for row in range(b):
            for head in range(h):
                for place in range(t):
                    where = f"row {row}, head {head}, position {place} of {what}, documents {documents[row].tolist()}"
                    expect(where, rounded(got[row, head, place]), rounded(everything[row, head, place]), 3e-4)


def expanded(query: Tensor, key: Tensor, value: Tensor, documents: Tensor) -> Tensor:
    """A copy of its key head for every query head."""
    shared = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(shared, 1), value.repeat_interleave(shared, 1)
    mask = (documents[:, :, None] == documents[:, None, :]).tril()
    return functional.scaled_dot_product_attention(query, key, value, mask[:, None])


def rounded(numbers: Tensor) -> list[float]:
    """On one line."""
    return [round(number, 4) for number in numbers.flatten().tolist()]
