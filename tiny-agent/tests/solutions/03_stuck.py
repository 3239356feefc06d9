from collections import Counter


def stuck_at(calls: list[tuple[str, str, str]], most: int = 3) -> int:
    seen: Counter[tuple[str, str, str]] = Counter()
    for number, call in enumerate(calls, 1):
        seen[call] += 1
        if seen[call] >= most:
            return number
    return 0
