"""Compare with the eigenvectors of AᵀA: the same directions, found in another way. Signs don't change cosines."""

from types import ModuleType

import numpy as np
from tiny_shared.exercises import expect


def oracle(matrix: np.ndarray, question: np.ndarray, k: int) -> np.ndarray:
    directions = np.linalg.eigh(matrix.T @ matrix)[1][:, ::-1][:, :k]
    texts, asked = matrix @ directions, question @ directions
    return texts @ asked / np.linalg.norm(texts, axis=1) / np.linalg.norm(asked)


def check(answer: ModuleType) -> None:
    five = np.array(
        [[1, 0, 1, 0, 0, 0], [0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 0], [0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 1]], float
    )
    telescope = np.array([1.0, 0, 0, 0, 0, 0])
    expect("the cosines of chapter 5", answer.cosines(five, telescope, 2), [1.0, 1, 0, 0, 0], 1e-6)
    rng = np.random.default_rng(5)
    for k in (1, 2, 4):
        matrix, question = rng.random((8, 6)), rng.random(6)
        got, wanted = answer.cosines(matrix, question, k), oracle(matrix, question, k)
        expect(f"cosines of a random matrix, k={k}", got, wanted, 1e-6)
