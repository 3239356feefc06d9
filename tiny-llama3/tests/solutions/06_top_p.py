"""Sorting is stable, also in reverse: of equal ones the smaller id comes first."""


def top_p(probabilities: list[float], p: float) -> list[float]:
    kept: list[int] = []
    total = 0.0
    for token in sorted(range(len(probabilities)), key=lambda token: probabilities[token], reverse=True):
        kept.append(token)
        total += probabilities[token]
        if total >= p:
            break
    return [probability / total if token in kept else 0.0 for token, probability in enumerate(probabilities)]
