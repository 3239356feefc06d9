"""Many comparisons (Holm 1979): of twenty pairs of equal models, one is expected to differ "significantly".

Sort the p-values; multiply the smallest by their number m, the next by m - 1, and so on, and let none fall below the
one before it. Compared with 0.05, the chance of even one false alarm among all of them stays below 5 %.

Worked example: 0.01, 0.04, 0.03 become 0.03, 0.06 (0.04 · 1 = 0.04, but not below the one before it), 0.06.
"""

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Each p-value corrected for their number, in the order given."""
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        largest = max(largest, min(1.0, p_values[index] * (len(p_values) - rank)))
        adjusted[index] = largest
    return adjusted
