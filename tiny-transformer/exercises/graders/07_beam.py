"""Compare with the step of tiny_transformer.decoding, with a length penalty of none."""

import random
from types import ModuleType

import torch
from tiny_shared.exercises import expect

PAD = 0


def step(scores: list[float], log_p: list[list[float]], done: list[bool], width: int) -> list[tuple[float, int, int]]:
    """As in `beam_search`: a finished beam's row is -inf but for the padding, then topk over all beams."""
    done_W1 = torch.tensor(done)[:, None]
    next_WV = torch.tensor(log_p, dtype=torch.float64).masked_fill(done_W1, -torch.inf)
    next_WV[:, PAD] = torch.where(done_W1[:, 0], 0.0, next_WV[:, PAD])
    sum_WV = torch.tensor(scores, dtype=torch.float64)[:, None] + next_WV
    ranked = sum_WV.flatten().sort(descending=True, stable=True)
    size = len(log_p[0])
    found = zip(ranked.values[:width].tolist(), ranked.indices[:width].tolist(), strict=True)
    return [(score, place // size, place % size) for score, place in found if score > -torch.inf]


def check(answer: ModuleType) -> None:
    rng = random.Random(7)
    tree = [[-9.0, -0.9, -1.0], [-9.0, -0.1, -3.0]]
    cases = [([-0.7, -0.9], tree, [False, False], 2), ([-0.7, -0.9], tree, [True, False], 2)]
    cases += [([-1.0, -2.0], tree, [True, True], 3), ([-1.0], [[-1.0, -1.0, -1.0]], [False], 2)]
    for _ in range(100):
        beams, size = rng.randrange(1, 4), rng.randrange(2, 5)
        log_p = [[-round(rng.uniform(0, 4), 2) for _ in range(size)] for _ in range(beams)]
        scores = [-round(rng.uniform(0, 4), 2) for _ in range(beams)]
        cases.append((scores, log_p, [rng.random() < 0.3 for _ in range(beams)], rng.randrange(1, 5)))
    for scores, log_p, done, width in cases:
        got = answer.beam_step(list(scores), [list(row) for row in log_p], list(done), width, PAD)
        expect(f"beam_step({scores}, {log_p}, {done}, {width}, {PAD})", got, step(scores, log_p, done, width), 1e-9)
