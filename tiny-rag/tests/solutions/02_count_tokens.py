"""A solution of exercises/02_count_tokens.py."""

import re

CJK = re.compile("[\u4e00-\u9fff]")


def count_tokens(text: str) -> int:
    total = 0
    for piece in re.findall(r"[\u4e00-\u9fff]|[^\W\u4e00-\u9fff]+|[^\w\s]", text):
        total += 1 if CJK.match(piece) else -(-len(piece) // 8)
    return total
