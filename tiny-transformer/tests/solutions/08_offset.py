"""Every cell belongs to one diagonal; add it there."""


def offset(weights: list[list[float]]) -> tuple[int, float]:
    rows, columns = len(weights), len(weights[0])
    sums = dict.fromkeys(range(1 - rows, columns), 0.0)
    for t, row in enumerate(weights):
        for s, weight in enumerate(row):
            sums[s - t] += weight
    best = max(sums, key=lambda d: (sums[d], -d))
    return best, sums[best] / rows
