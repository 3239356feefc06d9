r"""Drop the thoughts, then read the boxes from the last one backwards, counting braces."""

import re


def boxed(output: str) -> str | None:
    visible = re.sub(r"<think>.*?</think>", " ", output, flags=re.DOTALL)
    if "<think>" in visible:
        return None
    for start in reversed([match.end() for match in re.finditer(r"\\boxed\{", visible)]):
        depth = 1
        for place in range(start, len(visible)):
            depth += {"{": 1, "}": -1}.get(visible[place], 0)
            if depth == 0:
                return visible[start:place].strip()
    return None
