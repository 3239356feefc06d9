"""The right token's part and everybody's part, both of the same log-probabilities."""

import math


def smoothed_loss(logits: list[float], right: int, smoothing: float) -> float:
    largest = max(logits)
    log_sum = largest + math.log(sum(math.exp(logit - largest) for logit in logits))
    log_p = [logit - log_sum for logit in logits]
    return -(1 - smoothing) * log_p[right] - smoothing * sum(log_p) / len(log_p)
