"""Question, answer, and where the answer stands: what is made of a passage, checked before it is kept."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from tiny_llama3.make.passages import Passage

NEAR = 0.85  # share of common pieces from which two questions are the same in other words
LONGEST_ANSWER, LONGEST_QUESTION = 600, 400


@dataclass(frozen=True)
class Item:
    """`quote` is the stretch of the source that has the answer: text[start:end] of its file."""

    question: str
    answer: str
    quote: str
    passage: Passage
    start: int
    end: int
    how: str  # "template", "finish", "cloze" or "model"


@dataclass(frozen=True)
class Reject:
    reason: str
    passage: str
    question: str = ""
    answer: str = ""


def for_eval(passage: Passage, share: float = 0.2) -> bool:
    """Which side a passage is on: by its text, so the same text is on the same side in every file and every run."""
    return int(hashlib.sha256(plain(passage.text).encode()).hexdigest()[:8], 16) < share * 2**32


def plain(text: str) -> str:
    """For comparing: case, width, spaces and punctuation don't count."""
    return re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", text).casefold()).strip()


def wrong_with(item: Item, texts: dict[str, str]) -> str | None:
    """What is wrong with an item by itself; None if nothing is."""
    if texts[item.passage.file][item.start : item.end] != item.quote or not item.quote.strip():
        return "the quote doesn't stand in the source"
    if not (item.passage.start <= item.start and item.end <= item.passage.end):
        return "the quote stands in another passage"
    if not plain(item.question) or not plain(item.answer):
        return "the question or the answer is empty"
    if len(item.question) > LONGEST_QUESTION:
        return f"the question has more than {LONGEST_QUESTION} characters"
    if len(item.answer) > LONGEST_ANSWER:
        return f"the answer has more than {LONGEST_ANSWER} characters"
    if item.how not in ("template", "finish") and f" {plain(item.answer)} " in f" {plain(item.question)} ":
        return "the question gives the answer away"
    if item.how != "model" and plain(item.answer) not in plain(item.quote):
        return "the answer doesn't stand in the quote"
    if item.how == "model" and not supported(item.answer, item.passage.text):
        return "the passage doesn't support the answer"
    return None


def supported(answer: str, text: str) -> bool:
    """Most of the answer's words (or pairs of Chinese characters) and all of its numbers stand in the text."""
    if any(number not in text for number in re.findall(r"\d+(?:[.,]\d+)*", answer)):
        return False
    pieces = _pieces(answer, 1)
    return not pieces or len(pieces & _pieces(text, 1)) >= 0.6 * len(pieces)


def _pieces(text: str, words: int) -> set[str]:
    """Runs of `words` words, pairs of Chinese characters."""
    found = set()
    for stretch in plain(text).split():
        for part in re.findall(r"[\u4e00-\u9fff]+|[^\u4e00-\u9fff]+", stretch):
            chinese = "\u4e00" <= part[0] <= "\u9fff"
            found |= {part[place : place + 2] for place in range(max(1, len(part) - 1))} if chinese else {part}
    return found


class Seen:
    """Questions that were kept so far; `like` finds one that is the same, or nearly so."""

    def __init__(self) -> None:
        self._exact: dict[str, str] = {}
        self._pieces: dict[str, set[int]] = {}
        self._all: list[tuple[str, set[str]]] = []

    def like(self, question: str) -> str | None:
        if (found := self._exact.get(plain(question))) is not None:
            return found
        pieces = self._cut(question)
        near: dict[int, int] = {}
        for piece in pieces:
            for number in self._pieces.get(piece, ()):
                near[number] = near.get(number, 0) + 1
        for number, common in near.items():
            other, others = self._all[number]
            if common >= NEAR * (len(pieces) + len(others) - common):
                return other
        return None

    def add(self, question: str) -> None:
        self._exact[plain(question)] = question
        for piece in (pieces := self._cut(question)):
            self._pieces.setdefault(piece, set()).add(len(self._all))
        self._all.append((question, pieces))

    @staticmethod
    def _cut(text: str) -> set[str]:
        text = plain(text)
        return {text[place : place + 4] for place in range(max(1, len(text) - 3))}


def kept(
    items: Iterable[Item], texts: dict[str, str], eval_share: float
) -> tuple[list[Item], list[Item], list[Reject]]:
    """Items for training, items for evaluation, and what was rejected, with reasons.

    Nothing of the evaluation is in the training: their passages differ, and a question or a quote that is on both sides
    stays only in the evaluation.
    """
    sides: tuple[list[Item], list[Item]] = ([], [])
    rejects: list[Reject] = []
    good: list[Item] = []
    for item in items:
        if (reason := wrong_with(item, texts)) is not None:
            rejects.append(Reject(reason, item.passage.id, item.question, item.answer))
        else:
            good.append(item)
    seen, quotes = Seen(), set()
    for is_eval in (True, False):  # the evaluation first, so that what is on both sides stays there
        for item in good:
            if for_eval(item.passage, eval_share) != is_eval:
                continue
            if (twin := seen.like(item.question)) is not None:
                rejects.append(Reject(f"nearly the same question: {twin}", item.passage.id, item.question, item.answer))
            elif not is_eval and plain(item.quote) in quotes:
                rejects.append(Reject("its quote is in the evaluation", item.passage.id, item.question, item.answer))
            else:
                seen.add(item.question)
                if is_eval:
                    quotes.add(plain(item.quote))
                sides[is_eval].append(item)
    return sides[False], sides[True], rejects
