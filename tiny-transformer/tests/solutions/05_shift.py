"""Each pair of features is turned by shift · w; all other entries are 0."""

import math


def shift_matrix(shift: int, d_model: int) -> list[list[float]]:
    rows = [[0.0] * d_model for _ in range(d_model)]
    for i in range(0, d_model, 2):
        angle = shift * 10_000 ** (-i / d_model)
        rows[i][i], rows[i][i + 1] = math.cos(angle), math.sin(angle)
        rows[i + 1][i], rows[i + 1][i + 1] = -math.sin(angle), math.cos(angle)
    return rows
