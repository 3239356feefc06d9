"""A solution of exercises/07_check_citations.py."""

import re


def check_citations(answer: str, n_passages: int) -> tuple[str, list[int], list[int]]:
    cited: dict[int, None] = {}
    removed: dict[int, None] = {}

    def replace(match: re.Match[str]) -> str:
        number = int(match[1])
        exists = 1 <= number <= n_passages
        (cited if exists else removed)[number] = None
        return match[0] if exists else ""

    text = re.sub(r"\[(\d+)\]", replace, answer)
    return text, list(cited), list(removed)
