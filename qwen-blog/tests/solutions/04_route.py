"""A solution of exercises/04_route.py."""

import math


def route(logits: list[float], chosen: int, normalised: bool) -> dict[int, float]:
    top = max(logits)
    powers = [math.exp(logit - top) for logit in logits]
    probabilities = [power / sum(powers) for power in powers]
    best = sorted(range(len(logits)), key=lambda expert: probabilities[expert], reverse=True)[:chosen]
    total = sum(probabilities[expert] for expert in best) if normalised else 1.0
    return {expert: probabilities[expert] / total for expert in best}
