from collections import Counter


def kappa(pairs: list[tuple[str, str]]) -> float | None:
    if not pairs:
        return None
    n = len(pairs)
    agreed = sum(a == b for a, b in pairs) / n
    ours, theirs = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(ours[label] / n * theirs[label] / n for label in ours)
    return None if chance == 1 else (agreed - chance) / (1 - chance)
