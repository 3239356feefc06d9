"""A solution of exercises/05_induction.py."""


def induction_score(weights: list[list[float]], half: int) -> float:
    return sum(weights[t][t - half + 1] for t in range(half, 2 * half)) / half
