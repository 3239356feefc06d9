"""Compare with tiny_transformer.positions: the matrix has to move all positions at once."""

from types import ModuleType

import torch
from tiny_shared.exercises import expect

from tiny_transformer.positions import sinusoidal_positions


def check(answer: ModuleType) -> None:
    for shift, d_model in [(1, 2), (3, 4), (-2, 4), (0, 6), (10, 8), (17, 16)]:
        got = torch.as_tensor(answer.shift_matrix(shift, d_model), dtype=torch.float32)
        expect(f"the shape of shift_matrix({shift}, {d_model})", list(got.shape), [d_model, d_model])
        positions = sinusoidal_positions(60, d_model)
        for t in (20, 21, 35):
            what = f"shift_matrix({shift}, {d_model}) @ positions[{t}]"
            expect(what, got @ positions[t], positions[t + shift], 1e-4)
