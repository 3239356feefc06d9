"""Sentences of a passage, with their places; lines that a page layout broke are one sentence."""

import re
from dataclasses import dataclass
from itertools import pairwise

_ENDS = re.compile(r"(?:[。！？｡]+|[.!?…]+(?=[\s\"'”’)\]）」』]|$))[\"'”’)\]）」』]*")
_ITEM = re.compile(r"\s*(?:[-*•·–]|\d{1,3}[.)、]|[（(]?[一二三四五六七八九十]{1,3}[)）、])\s*")
_FINISHED = re.compile(r"[.!?…。！？｡:：;；][\"'”’)\]）」』]*\s*$")
# A full stop behind one of these, behind an initial, or behind the number of a list item ends no sentence.
_NO_END = re.compile(
    r"(?:^|[\s(\"'“‘])(?:(?:Dr|Mr|Mrs|Ms|Prof|St|Sr|Jr|No|Fig|Eq|vs|cf|ca|approx|e\.g|i\.e|[A-Z])|(?<=\n)\d{1,3}|^\d{1,3})\.$"
)
FULL_LINE = 0.6  # of the longest line: a line of at least this length may have been broken by the layout


@dataclass(frozen=True)
class Sentence:
    """`passage[start:end]`, without the white space around it."""

    text: str
    start: int
    end: int


def split(passage: str) -> list[Sentence]:
    """All sentences, list items and lone lines, in order; together they hold every character but white space."""
    cuts = {0, len(passage)}
    for match in _ENDS.finditer(passage):
        if not _NO_END.search(passage[max(match.end() - 12, 0) : match.end()]):
            cuts.add(match.end())
    lines = list(re.finditer(r"[^\n]*\n?", passage))
    width = max((len(line.group().strip()) for line in lines), default=0)
    for line, following in pairwise(lines):
        text = line.group()
        broken_by_layout = (
            len(text.strip()) >= max(FULL_LINE * width, 20)
            and following.group().strip()
            and not _FINISHED.search(text)
            and not _ITEM.match(following.group())
        )
        if not broken_by_layout:
            cuts.add(line.end())
    found = []
    ordered = sorted(cuts)
    for start, end in pairwise(ordered):
        text = passage[start:end]
        if text.strip():
            start += len(text) - len(text.lstrip())
            found.append(Sentence(text.strip(), start, start + len(text.strip())))
    return found
