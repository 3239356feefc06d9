"""Look at what RoPE promises, then compare with tiny_llama3.rope."""

from types import ModuleType

import torch
from tiny_shared.exercises import Wrong, expect

from tiny_llama3.rope import pair_frequencies, rotate, rotation_table


def check(answer: ModuleType) -> None:
    for x, theta in [([1.0, 0], 9.0), ([1.0, 0, 0, 0], 1e4), ([0, 1.0, 0, 0], 1e4), ([0, 0, 1.0, 2.0], 1e4)]:
        for position in (0, 1, 2, 50):
            got = answer.rotate(torch.tensor([[[x]]]), torch.tensor([position]), theta)
            expect(f"the shape of rotate of a tensor of shape (1, 1, 1, {len(x)})", list(got.shape), [1, 1, 1, len(x)])
            pairs = "pair 0 is (x[0], x[2]), pair 1 (x[1], x[3])" if len(x) == 4 else "the pair is (x[0], x[1])"
            what = f"({pairs}) rotate([[[{x}]]], [{position}], {theta})[0][0][0]"
            expect(what, rounded(got), rounded(turned(torch.tensor([x]), position, theta)), 3e-4)

    torch.manual_seed(3)
    query, key = torch.randn(2, 1, 1, 1, 8)
    scores = []
    for shift in (0, 1, 7, 100):
        turned_query, turned_key = (
            answer.rotate(x.clone(), torch.tensor([p + shift]), 1e4) for x, p in ((query, 5), (key, 3))
        )
        scores.append(round(float((turned_query * turned_key).sum()), 3))
    if max(scores) - min(scores) > 0.005:
        raise Wrong(f"the score of positions 5 and 3, 6 and 4, 12 and 10, 105 and 103 is {scores}; expected one number")

    for b, h, t, k, theta, start in [(1, 1, 4, 2, 1e4, 0), (2, 3, 5, 6, 5e5, 0), (1, 2, 3, 16, 100.0, 9)]:
        x_BHTK, positions_T = torch.randn(b, h, t, k), torch.arange(start, start + t)
        got = answer.rotate(x_BHTK.clone(), positions_T, theta)
        what = f"rotate(x, {positions_T.tolist()}, {theta}) with x of shape ({b}, {h}, {t}, {k})"
        expect(f"the shape of {what}", list(got.shape), [b, h, t, k])
        for place, position in enumerate(positions_T.tolist()):
            wanted_BHK = turned(x_BHTK[:, :, place], position, theta)
            for row in range(b):
                for head in range(h):
                    where = f"row {row}, head {head}, position {position} of {what}"
                    expect(where, rounded(got[row, head, place]), rounded(wanted_BHK[row, head]), 3e-4)


def turned(x_XK: torch.Tensor, position: int, theta: float) -> torch.Tensor:
    cos_TK, sin_TK = rotation_table(position + 1, pair_frequencies(x_XK.shape[-1], theta))
    return rotate(x_XK, cos_TK[position], sin_TK[position])


def rounded(numbers: torch.Tensor) -> list[float]:
    """On one line."""
    return [round(number, 4) for number in numbers.flatten().tolist()]
