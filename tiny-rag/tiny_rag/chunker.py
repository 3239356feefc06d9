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
INSIDE, IN_HEADING, BELOW_HEADING, CHARACTER, GAP, CLAUSE, LINE, SENTENCE, PARAGRAPH, HEADING = range(10)

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
    starts_S = token_starts(codes_N)
    costs = np.arange(len(starts_S) + 1)  # tokens before each start, and in the whole text
    solid_N = character_classes()[codes_N] != SPACE
    if find_starts is not None:
        solid_offsets = np.flatnonzero(solid_N)  # a token that begins with a space is taken to begin at its word
        next_solid = np.searchsorted(solid_offsets, find_starts(text))
        real_starts = np.append(solid_offsets, len(text))[next_solid]
        starts_S = np.union1d(starts_S, real_starts[real_starts < len(text)])
        costs = np.append(np.searchsorted(real_starts, starts_S), len(real_starts))
    if headings is None:
        headings = [match.start() for match in _MARKDOWN_HEADING.finditer(text)] if "#" in text else []
    # Where the last solid character before each offset ends: (N + 1,), because the text's end is an offset too
    solid_end = np.zeros(len(codes_N) + 1, np.int32)
    positions_N = np.arange(1, len(codes_N) + 1, dtype=np.int32)
    np.maximum.accumulate(positions_N * solid_N, out=solid_end[1:])
    levels_S = cut_levels(codes_N, solid_end, starts_S, headings)

    chunks: list[Chunk] = []
    first = last = 0
    while first < len(starts_S):
        covered, room = last, max_tokens
        while True:
            last = best_end(levels_S, costs, first, room, covered)
            stop = int(starts_S[last]) if last < len(starts_S) else len(text)
            start, end = int(starts_S[first]), int(solid_end[stop])
            # a real tokenizer may find more tokens in a slice than it did there in the whole text
            excess = 0 if find_starts is None else len(find_starts(text[start:end])) - max_tokens
            if excess <= 0:
                break
            if last > max(first, covered) + 1:
                room = int(costs[last] - costs[first]) - excess
            elif first < covered:
                first, room = covered, max_tokens  # do without the overlap
            else:
                break  # a single character of more tokens than are allowed
        chunks.append(Chunk(text[start:end], start, end))
        first = last if last == len(starts_S) else next_start(levels_S, costs, first, last, overlap_tokens)
    return chunks


def best_end(levels_S: np.ndarray, costs: np.ndarray, first: int, room: int, covered: int) -> int:
    """The start before which a chunk from `first` should end: at most `room` tokens on, at the best level.

    Among equal levels the latest wins. A chunk is at least a third full, so that a lone heading isn't one, and goes
    beyond `covered`, where the last chunk ended. If everything left fits, only a heading still ends it early.
    """
    must = max(first, covered) + 1
    limit = max(int(np.searchsorted(costs, costs[first] + room, side="right")) - 1, must)
    earliest = min(max(int(np.searchsorted(costs, costs[first] + (room + 2) // 3)), must), limit)
    if limit >= len(levels_S):
        headings = np.flatnonzero(levels_S[earliest:] == HEADING)
        return earliest + int(headings[-1]) if len(headings) else len(levels_S)
    return limit - int(np.argmax(levels_S[earliest : limit + 1][::-1]))


def next_start(levels_S: np.ndarray, costs: np.ndarray, first: int, last: int, overlap: int) -> int:
    """Where the next chunk begins: the best level among the last `overlap` tokens, so that it starts a sentence.

    A chunk that ended before a heading hands nothing on: the next section is another subject.
    """
    earliest = max(int(np.searchsorted(costs, costs[last] - overlap)), first + 1)
    if levels_S[last] == HEADING or earliest >= last:
        return last
    reachable_S = levels_S[earliest:last]
    begin = earliest + int(np.argmax(np.where(reachable_S == BELOW_HEADING, PARAGRAPH, reachable_S)))
    return begin if levels_S[begin] > IN_HEADING else last


def cut_levels(codes_N: np.ndarray, solid_end: np.ndarray, starts_S: np.ndarray, headings: Sequence[int]) -> np.ndarray:
    """How natural a cut before each token is: (tokens,) int8, from INSIDE to HEADING."""
    flags_N = _flags()[codes_N]
    before_S = solid_end[starts_S] - 1  # the last solid character before the token; -1 at the beginning
    has_gap_S = before_S < starts_S - 1

    newline_N = (flags_N & _NEWLINE) != 0
    newline_N[1:] &= ~((codes_N[1:] == ord("\n")) & (codes_N[:-1] == ord("\r")))  # CRLF is one line end
    lines_N = np.zeros(len(codes_N) + 1, np.int32)
    np.cumsum(newline_N, out=lines_N[1:])
    line_ends_S = lines_N[starts_S] - lines_N[before_S + 1]

    behind_S = before_S  # look through closing quotes and brackets: `said "no." Then`
    for _ in range(3):
        behind_S = np.where((flags_N[behind_S] & _CLOSER != 0) & (behind_S > 0), behind_S - 1, behind_S)
    ends_S = flags_N[behind_S]

    here_S, there_S = character_classes()[codes_N[starts_S]], character_classes()[codes_N[before_S]]
    inside_word_S = ((here_S == WORD) | (here_S == EXTEND)) & ((there_S == WORD) | (there_S == EXTEND))
    stays_S = (flags_N[starts_S] & (_CLOSER | _CLAUSE_END | _SENTENCE_END)) != 0  # a mark stays with what it closes
    levels_S = np.where(inside_word_S | stays_S, INSIDE, CHARACTER).astype(np.int8)
    levels_S[has_gap_S] = GAP
    levels_S[(flags_N[before_S] & _CLAUSE_END != 0) & (has_gap_S | (codes_N[before_S] > 0x2E7F)) & ~stays_S] = CLAUSE
    levels_S[line_ends_S == 1] = LINE
    full_stop_S = (ends_S & _FULL_STOP != 0) & ~stays_S
    levels_S[full_stop_S | ((ends_S & _SENTENCE_END != 0) & has_gap_S)] = SENTENCE
    levels_S[line_ends_S >= 2] = PARAGRAPH
    line_S = lines_N[starts_S]
    for heading in np.searchsorted(starts_S, headings):
        if heading < len(starts_S):
            right_below_another = levels_S[heading] == BELOW_HEADING
            levels_S[heading] = CHARACTER if right_below_another else HEADING
            body = int(np.searchsorted(line_S, line_S[heading], side="right"))
            levels_S[heading + 1 : body] = np.minimum(levels_S[heading + 1 : body], IN_HEADING)
            levels_S[body : body + 1] = BELOW_HEADING  # a heading isn't parted from what stands below it
    return levels_S


@cache
def _flags() -> np.ndarray:
    """What each code point says about a cut behind it: (1114112,) uint8 of the bits above."""
    flags = np.zeros(0x110000, np.uint8)
    for bit, characters in _CHARACTERS.items():
        for character in characters:
            flags[ord(character)] |= bit
    return flags
