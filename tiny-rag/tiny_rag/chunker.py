"""Cut a text into chunks without losing a character: headings > paragraphs > sentences > words > characters.

Splitters that join pieces lose separators and their offsets drift. Here a chunk is only ever a *slice*, so
`text[chunk.start:chunk.end] == chunk.text` cannot fail. What remains is the choice of where to cut: every token
start gets a level (how natural a break before it would be), and each chunk ends at the best level within reach.

Suffixes: _N one entry a code point, _S one entry a token start.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from .tokens import EXTEND, SPACE, WORD, character_classes, code_points, count_tokens, token_starts

__all__ = ["Chunk", "chunk", "count_tokens"]

# How natural a cut before a token is; INSIDE splits a word, or parts a mark from what it closes.
IMPOSSIBLE, INSIDE, CHARACTER, GAP, CLAUSE, LINE, SENTENCE, PARAGRAPH, HEADING = range(9)

# What a character says about a cut behind it.
_NEWLINE, _CLAUSE_END, _SENTENCE_END, _FULL_STOP, _CLOSER = 1, 2, 4, 8, 16
_CHARACTERS = {
    _NEWLINE: "\n\v\f\r\x85\u2028\u2029",
    _CLAUSE_END: ",;:，；：、､",
    _SENTENCE_END: ".!?…。！？｡؟।",
    _FULL_STOP: "。！？｡",  # the next sentence follows directly; after "." only a space makes one ("3.14")
    _CLOSER: "\"')]}’”」』】）》〉»›",
}
_MARKDOWN_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(?=\S)", re.MULTILINE)


@dataclass(frozen=True)
class Chunk:
    """A slice of a text: `source[start:end] == text`."""

    text: str
    start: int
    end: int


def chunk(
    text: str,
    max_tokens: int,
    overlap_tokens: int = 0,
    headings: Sequence[int] | None = None,
    find_starts: Callable[[str], np.ndarray] | None = None,
) -> list[Chunk]:
    """Cut `text` into chunks of at most `max_tokens`; each begins at most `overlap_tokens` before the last one's end.

    Every character that isn't white space lies in a chunk; blank text gives none. `headings`: offsets at which a
    section begins (default: Markdown `#` lines). `find_starts` replaces the offline counter by a real tokenizer:
    it returns the ascending offsets at which the text's tokens begin (see `tokenizer_file.py`).
    """
    if max_tokens < 1:
        raise ValueError(f"max_tokens must be at least 1 (got {max_tokens})")
    if not 0 <= overlap_tokens < max_tokens:
        raise ValueError(f"overlap_tokens must be from 0 to max_tokens - 1 (got {overlap_tokens} of {max_tokens})")
    if not text or text.isspace():
        return []
    codes_N = code_points(text)
    starts_S = token_starts(codes_N) if find_starts is None else find_starts(text)
    if headings is None:
        headings = [match.start() for match in _MARKDOWN_HEADING.finditer(text)] if "#" in text else []
    solid_N = character_classes()[codes_N] != SPACE
    levels_S = cut_levels(codes_N, solid_N, starts_S, headings)
    positions_N = np.arange(1, len(codes_N) + 1)
    solid_end_N = np.maximum.accumulate(np.where(solid_N, positions_N, 0))  # where the last solid character ends

    chunks: list[Chunk] = []
    first = last = 0
    while first < len(starts_S):
        room, handed_on = max_tokens, last
        while True:
            last = best_end(levels_S, first, room, handed_on)
            stop = int(starts_S[last]) if last < len(starts_S) else len(text)
            start, end = int(starts_S[first]), int(solid_end_N[stop - 1])
            # a real tokenizer may count a slice higher than its share of the whole: give the excess back
            excess = 0 if find_starts is None else len(find_starts(text[start:end])) - max_tokens
            room = last - first - excess
            if excess <= 0 or first + room <= handed_on:
                break
        if end > start:
            start += int(np.argmax(solid_N[start:end]))  # a real tokenizer's token may begin with a space
            chunks.append(Chunk(text[start:end], start, end))
        first = last if last == len(starts_S) else next_start(levels_S, first, last, overlap_tokens)
    return chunks


def best_end(levels_S: np.ndarray, first: int, room: int, handed_on: int) -> int:
    """The token before which a chunk from `first` should end: at most `room` tokens on, at the best level.

    Among equal levels the latest wins. A chunk is at least a third full, so that a lone heading isn't one, and goes
    beyond `handed_on`, where the last chunk ended. If everything left fits, only a heading still ends it early.
    """
    limit = first + room
    earliest = max(first + (room + 2) // 3, handed_on + 1)
    if limit >= len(levels_S):
        headings = np.flatnonzero(levels_S[earliest:] == HEADING)
        return earliest + int(headings[-1]) if len(headings) else len(levels_S)
    reachable = levels_S[earliest : limit + 1][::-1]
    best = limit - int(np.argmax(reachable))
    while best < len(levels_S) and levels_S[best] == IMPOSSIBLE:
        best += 1  # several tokens within one character: there is no place to cut
    return best


def next_start(levels_S: np.ndarray, first: int, last: int, overlap: int) -> int:
    """Where the next chunk begins: the best level among the last `overlap` tokens, so that it starts a sentence.

    A chunk that ended before a heading hands nothing on: the next section is another subject.
    """
    earliest = max(last - overlap, first + 1)
    if levels_S[last] == HEADING or earliest >= last:
        return last
    begin = earliest + int(np.argmax(levels_S[earliest:last]))
    return begin if levels_S[begin] > INSIDE else last


def cut_levels(codes_N: np.ndarray, solid_N: np.ndarray, starts_S: np.ndarray, headings: Sequence[int]) -> np.ndarray:
    """How natural a cut before each token is: (tokens,) int8, from INSIDE to HEADING."""
    flags_N = _flags()[codes_N]
    classes_N = character_classes()[codes_N]
    positions_N = np.arange(len(codes_N) + 1)
    solid_end = np.zeros(len(codes_N) + 1, np.int64)
    solid_end[1:] = np.maximum.accumulate(np.where(solid_N, positions_N[1:], 0))
    before_S = solid_end[starts_S] - 1  # the last solid character before the token; -1 at the beginning
    has_gap_S = before_S < starts_S - 1

    newline_N = (flags_N & _NEWLINE) != 0
    newline_N[1:] &= ~((codes_N[1:] == ord("\n")) & (codes_N[:-1] == ord("\r")))  # CRLF is one line end
    lines_N = np.concatenate([[0], np.cumsum(newline_N)])
    line_ends_S = lines_N[starts_S] - lines_N[before_S + 1]

    behind_S = before_S  # look through closing quotes and brackets: `said "no." Then`
    for _ in range(3):
        behind_S = np.where((flags_N[behind_S] & _CLOSER != 0) & (behind_S > 0), behind_S - 1, behind_S)
    ends_S = flags_N[behind_S]

    inside_word_S = np.isin(classes_N[starts_S], (WORD, EXTEND)) & np.isin(classes_N[before_S], (WORD, EXTEND))
    stays_S = (flags_N[starts_S] & (_CLOSER | _CLAUSE_END | _SENTENCE_END)) != 0  # a mark stays with what it closes
    levels_S = np.where(inside_word_S | stays_S, INSIDE, CHARACTER).astype(np.int8)
    levels_S[has_gap_S] = GAP
    levels_S[(flags_N[before_S] & _CLAUSE_END != 0) & (has_gap_S | (codes_N[before_S] > 0x2E7F)) & ~stays_S] = CLAUSE
    levels_S[line_ends_S == 1] = LINE
    full_stop_S = (ends_S & _FULL_STOP != 0) & ~stays_S
    levels_S[full_stop_S | ((ends_S & _SENTENCE_END != 0) & has_gap_S)] = SENTENCE
    levels_S[line_ends_S >= 2] = PARAGRAPH
    heading_S = np.flatnonzero(np.isin(starts_S, headings))
    levels_S[heading_S] = HEADING
    # a heading right below another one stays with it, or a chunk would end in a lone heading
    above = lines_N[before_S[heading_S[1:]] + 1] == lines_N[starts_S[heading_S[:-1]]]
    levels_S[heading_S[1:][above]] = LINE
    levels_S[1:][starts_S[1:] == starts_S[:-1]] = IMPOSSIBLE
    return levels_S


@cache
def _flags() -> np.ndarray:
    """What each code point says about a cut behind it: (1114112,) uint8 of the bits above."""
    flags = np.zeros(0x110000, np.uint8)
    for bit, characters in _CHARACTERS.items():
        for character in characters:
            flags[ord(character)] |= bit
    return flags
