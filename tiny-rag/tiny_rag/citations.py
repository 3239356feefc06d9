"""Citations that can be trusted to exist: every [n] of an answer is checked against the passages it was given."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_NUMBERS = r"\d{1,4}(?:\s*[-–—~]\s*\d{1,4})?"
_CITATION = re.compile(rf"[\[【［]\s*({_NUMBERS}(?:\s*[,，、;；]\s*{_NUMBERS})*)\s*[\]】］]")


@dataclass(frozen=True)
class Checked:
    """An answer whose remaining citations all point to a passage."""

    text: str
    cited: tuple[int, ...]  # passage numbers, in order of first mention
    removed: tuple[int, ...]  # numbers that no passage has


def check(answer: str, n_passages: int) -> Checked:
    """Bring citations to the form [1][3], and take out those that point to nothing.

    Models also write [1, 3], [1-3] and 【1】; all are understood.
    """
    cited: list[int] = []
    removed: list[int] = []

    def replace(match: re.Match[str]) -> str:
        numbers: list[int] = []
        for part in re.split(r"[,，、;；]", match.group(1)):
            first, *last = (int(number) for number in re.findall(r"\d+", part))
            if last and first <= last[0] <= first + n_passages:
                numbers += range(first, last[0] + 1)
            else:
                numbers += [first, *last]
        good = [number for number in numbers if 1 <= number <= n_passages]
        cited.extend(good)
        removed.extend(number for number in numbers if number not in good)
        return "".join(f"[{number}]" for number in good)

    text = _CITATION.sub(replace, answer)
    if removed:
        text = re.sub(r"[ \t]+([.,;:!?。，；：！？])", r"\1", text)  # the gap before a full stop that a citation left
    return Checked(text.strip(), _unique(cited), _unique(removed))


def _unique(numbers: Sequence[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(numbers))
