"""The offline counter against its rule, written down a second time in plain Python."""

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiny_rag.tokens import code_points, count_tokens, token_starts

# What texts are made of: words, CJK, marks, white space of many kinds, accents and joiners, emoji, half characters.
WORDS = [
    "a",
    "night",
    "observatory",
    "x" * 30,
    "don't",
    "naïve",
    "ß",
    "3.14",
    "_",
    "天文台",
    "夜",
    "こん",
    "한국",
    "ไทย",
]
SPACES = [" ", "  ", "\n", "\r\n", "\t", "\u3000", "\xa0", "\u2028"]
ODD = ["\u200b", "\u200d", "\u0301", "\u0301" * 9, "\ufe0f", "\U000e0100", "\x00", "\ud83d"]
RARE = ["𠀀", "㐀㐁", "⺀", "ㄅ", "ㆠ", "ㇰ", "豈", "ｶ", "Ⅷ", "½", "שלום"]
MARKS = [".", "。", "!?", "”", "、", "😀", "👩\u200d🚀", "🏳\ufe0f\u200d🌈", "❤\ufe0f"]
PIECES = st.sampled_from([*WORDS, *SPACES, *ODD, *RARE, *MARKS])
TEXTS = st.lists(PIECES, max_size=20).map("".join)
WITHOUT_ACCENTS = TEXTS.map(lambda text: "".join(c for c in text if not _extends(c)))


def _extends(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Mc", "Me") or character == "\u200d"


def counted_by_hand(text: str) -> int:
    """One for each CJK character and each mark, one for every eight letters or part of eight of a word."""
    cjk = "\u2e80-\u2fdf\u3005-\u3007\u3040-\u318e\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    cjk += "\uac00-\ud7a3\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff"
    total = 0
    for run in re.findall(rf"[{cjk}]|(?:(?![{cjk}])\w)+|[^\w\s]", text):
        total += -(-len(run) // 8) if re.match(rf"(?![{cjk}])\w", run) else 1
    return total


@pytest.mark.parametrize(
    "text, tokens",
    [
        ("", 0),
        (" \t\r\n\u3000\u2028", 0),
        ("night", 1),
        ("observatory", 2),
        ("x" * 16, 2),
        ("x" * 17, 3),
        ("The dome opens.", 4),
        ("天文台", 3),
        ("天文台opens。", 5),
        ("cafe\u0301", 1),  # an accent belongs to its letter …
        ("\u0301", 1),  # … and counts alone where there is none
        (" \u0301 ", 1),
        ("❤\ufe0f", 1),
        ("❤\ufe0flove", 2),  # a mark and a word
        ("天\u0301abc", 2),  # a CJK character and a word
        ("!\u0301x", 2),
    ],
)
def test_counts_that_can_be_checked_by_eye(text, tokens):
    assert count_tokens(text) == tokens


@given(WITHOUT_ACCENTS)
def test_count_equals_the_rule_by_hand(text):
    assert count_tokens(text) == counted_by_hand(text)


@given(TEXTS)
def test_cutting_at_a_token_start_keeps_the_counts(text):
    starts = token_starts(code_points(text)).tolist()
    for number, start in enumerate(starts):
        assert count_tokens(text[:start]) == number
        assert count_tokens(text[start:]) == len(starts) - number


@given(TEXTS)
def test_every_visible_stretch_begins_with_a_token_start(text):
    starts = set(token_starts(code_points(text)).tolist())
    assert not any(text[start].isspace() for start in starts)
    for offset, character in enumerate(text):
        if not character.isspace() and (offset == 0 or text[offset - 1].isspace()):
            assert offset in starts


@pytest.mark.parametrize("name", ["telescope-manual.md", "night-notes.txt"])
def test_english_comes_near_one_and_a_fifth_token_a_word(name):
    text = (Path(__file__).parent.parent / "sample" / "docs" / name).read_text(encoding="utf-8")
    assert 1.1 < count_tokens(text) / len(text.split()) < 1.4
