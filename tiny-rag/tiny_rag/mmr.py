"""Maximal marginal relevance (Carbonell & Goldstein 1998): results that don't repeat each other.

The best passages often say the same thing. MMR picks one after another: each time the one that is relevant and not
close to those already picked.

Shapes: C candidates, D dimensions.
"""

import numpy as np


def diversify(scores_C: np.ndarray, vectors_CD: np.ndarray, k: int, diversity: float) -> list[int]:
    """Positions of `k` candidates; `diversity` 0 keeps the order of the scores, 1 looks at novelty alone.

    Scores are brought to the range 0 to 1 first, to be comparable with cosines.
    """
    if not 0 <= diversity <= 1:
        raise ValueError(f"diversity must be between 0 and 1 (got {diversity})")
    if not len(scores_C):
        return []
    span = float(scores_C.max() - scores_C.min()) or 1.0
    relevance_C = (scores_C - scores_C.min()) / span
    picked: list[int] = []
    closest_C = np.zeros(len(scores_C))  # to anything that is picked already
    for _ in range(min(k, len(scores_C))):
        gain_C = (1 - diversity) * relevance_C - diversity * closest_C
        gain_C[picked] = -np.inf
        picked.append(int(np.argmax(gain_C)))
        closest_C = np.maximum(closest_C, vectors_CD @ vectors_CD[picked[-1]])
    return picked
