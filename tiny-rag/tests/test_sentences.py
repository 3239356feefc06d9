"""Sentences are slices, hold everything, and follow the writing, not the lines that a page layout broke."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiny_rag.sentences import split

WORDS = ["The stair has 312 steps", "word", "天文台在山上", "3.14", "e.g.", "E23", "x" * 70, "a tall, old tree, lost"]
ENDS = [". ", ".", "! ", "?", "…", "。", "！", "？", "”", "’", ")", "）", "」", '"', ": ", "；"]
BREAKS = [
    "\n",
    "\n\n",
    "\r\n",
    " ",
    "\t",
    "- ",
    "\n- ",
    "\n1. ",
    "\n（一）",
    "\n• ",
    "\u3000",
    "\x0b",
    "\u2028",
    "\x00",
]
PIECES = st.sampled_from(WORDS + ENDS + BREAKS) | st.text(max_size=4)
PASSAGES = st.lists(PIECES, max_size=40).map("".join)


def texts(passage):
    return [" ".join(sentence.text.split()) for sentence in split(passage)]


@settings(deadline=None)
@given(PASSAGES)
def test_sentences_are_slices_in_order_and_lose_nothing(passage):
    end = 0
    for sentence in split(passage):
        assert passage[sentence.start : sentence.end] == sentence.text
        assert sentence.text == sentence.text.strip() != ""
        assert sentence.start >= end
        assert not passage[end : sentence.start].strip(), "text lies between two sentences"
        end = sentence.end
    assert not passage[end:].strip(), "text is left at the end"


@pytest.mark.parametrize(
    ("passage", "expected"),
    [
        ("It opens at six. It closes at midnight!", ["It opens at six.", "It closes at midnight!"]),
        ("Pi is 3.14 and e is 2.71. Both are old.", ["Pi is 3.14 and e is 2.71.", "Both are old."]),
        ("See main.py or example.org for more. Good.", ["See main.py or example.org for more.", "Good."]),
        ("Really?! Yes... Well.", ["Really?!", "Yes...", "Well."]),
        ('He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]),
        ("(It rained.) We stayed.", ["(It rained.)", "We stayed."]),
        ("早上六点开门。半夜关门！真的吗？真的。", ["早上六点开门。", "半夜关门！", "真的吗？", "真的。"]),
        ("他说：“今天不开门。”我们就走了。", ["他说：“今天不开门。”", "我们就走了。"]),
        ("钟名叫「不急。」它走得慢。", ["钟名叫「不急。」", "它走得慢。"]),
        ("镜片重３１公斤，宽 46.5 厘米。很重。", ["镜片重３１公斤，宽 46.5 厘米。", "很重。"]),
        ("", []),
        (" \n\t ", []),
        ("no full stop", ["no full stop"]),
    ],
)
def test_where_sentences_end(passage, expected):
    assert texts(passage) == expected


def test_abbreviations_do_not_end_a_sentence():
    assert texts("Ask Dr. Castellane, e.g. at noon. She knows.") == ["Ask Dr. Castellane, e.g. at noon.", "She knows."]


def test_lines_that_a_page_broke_are_one_sentence():
    passage = (
        "The lower gate has parking for 38 cars. Nobody drives beyond it after sunset, because\n"
        "headlights spoil the exposures; an electric shuttle painted matt black carries you\n"
        "the last 600 metres.\n"
        "\n"
        "Walkers may climb."
    )
    assert texts(passage) == [
        "The lower gate has parking for 38 cars.",
        "Nobody drives beyond it after sunset, because headlights spoil the exposures; an electric shuttle painted "
        "matt black carries you the last 600 metres.",
        "Walkers may climb.",
    ]


def test_chinese_lines_that_a_page_broke_are_one_sentence():
    passage = "研学团每团最多四十人，须提前两周预约，带队老师不少于两名，并在入山\n之前交齐名单。\n客舍另收费。"
    assert texts(passage) == [
        "研学团每团最多四十人，须提前两周预约，带队老师不少于两名，并在入山 之前交齐名单。",
        "客舍另收费。",
    ]


@pytest.mark.parametrize(
    "marks",
    [("- ", "- "), ("* ", "* "), ("• ", "• "), ("1. ", "2. "), ("1) ", "2) "), ("（一）", "（二）"), ("一、", "二、")],
)
def test_list_items_are_not_joined(marks):
    items = [f"{mark}a warm coat and a red lamp for the way back" for mark in marks]
    assert texts("\n".join(items)) == [item.strip() for item in items]


def test_short_lines_are_not_joined():
    passage = "Lantern Hill Observatory\nVisitor handbook\nWhat you need to know before you climb the hill at night"
    assert texts(passage) == passage.split("\n")


def test_a_colon_ends_what_stands_before_a_list():
    assert texts("Bring these three things with you:\nwarm gloves without any fingers at all") == [
        "Bring these three things with you:",
        "warm gloves without any fingers at all",
    ]
