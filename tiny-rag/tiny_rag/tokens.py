"""Where tokens start: an offline counter that needs no vocabulary and reads megabytes in milliseconds.

A model's real tokenizer isn't at hand offline, so the counter is a rule that anyone can check by eye:
a CJK character is a token, a punctuation mark is a token, a word is a token for every eight letters or part of
eight ("night" 1, "observatory" 2). English comes out near 1.3 tokens a word, punctuation included.
The rule looks at characters only, so NumPy applies it to the whole text at once.

Positions are Python string offsets (code points), as everywhere in this track.
"""

from functools import cache

import numpy as np

SPACE, WORD, CJK, MARK, EXTEND = range(5)
LETTERS_PER_TOKEN = 8

_CJK_RANGES = (
    (0x2E80, 0x2FDF),  # radicals, which some PDFs use in place of characters
    (0x3005, 0x3007),
    (0x3040, 0x312F),  # kana and bopomofo
    (0x3130, 0x318E),  # hangul letters
    (0x31A0, 0x31BF),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xAC00, 0xD7A3),  # hangul syllables
    (0xF900, 0xFAFF),
    (0xFF66, 0xFF9D),
    (0x20000, 0x3FFFF),
)


@cache
def character_classes() -> np.ndarray:
    """One class for every code point: (1114112,) uint8."""
    classes = np.full(0x110000, MARK, np.uint8)
    for code in range(0x20000):  # no letters live above the second plane, except CJK
        character = chr(code)
        if character.isspace():
            classes[code] = SPACE
        elif character.isalnum() or character == "_":
            classes[code] = WORD
        elif not character.isascii() and (_is_combining(character) or character == "\u200d"):
            classes[code] = EXTEND  # an accent or a joiner never begins a token of its own
    classes[0xFE00:0xFE10] = classes[0xE0100:0xE01F0] = EXTEND  # variation selectors
    for first, last in _CJK_RANGES:
        classes[first : last + 1] = CJK
    return classes


def _is_combining(character: str) -> bool:
    import unicodedata

    return unicodedata.category(character) in ("Mn", "Mc", "Me")


def code_points(text: str) -> np.ndarray:
    """The text as an array of its code points: (len(text),) uint32."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def token_starts(codes: np.ndarray) -> np.ndarray:
    """Offsets at which a token begins, ascending: (tokens,) int64.

    Cutting a text at any of these offsets leaves the tokens on both sides as they were, so counts add up.
    """
    classes = character_classes()[codes]
    is_word, is_accent = classes == WORD, classes == EXTEND
    starts = (classes == CJK) | (classes == MARK)
    in_token = is_word  # where a token may go on, so that it begins anew at every eighth character
    joins = is_word  # what a letter joins: letters, and accents on letters
    if is_accent.any():
        positions = np.arange(len(codes))
        carrier = np.maximum.accumulate(np.where(is_accent, -1, positions))
        on_word = (carrier >= 0) & is_word[carrier]
        joins = is_word | (is_accent & on_word)
        in_token = is_word | (is_accent & ~on_word)
        before = np.concatenate([[SPACE], classes[:-1]])
        starts |= is_accent & (before == SPACE)  # an accent on nothing counts as one
    starts |= is_word & ~np.concatenate([[False], joins[:-1]])
    positions = np.arange(len(codes), dtype=np.int32)
    offset = positions - np.maximum.accumulate(positions * starts)
    starts |= in_token & (offset % LETTERS_PER_TOKEN == 0)
    return np.flatnonzero(starts)


def count_tokens(text: str) -> int:
    """How many tokens the text has by the rule above; 0 for white space alone."""
    return len(token_starts(code_points(text))) if text else 0
