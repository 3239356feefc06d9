"""The chunker's promises on any text: nothing lost, nothing over the limit, cuts where a reader would make them."""

import re
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from tiny_rag.chunker import chunk, count_tokens
from tiny_rag.tokenizer_file import load

WORDS = ["word ", "observatory", "x" * 40, "3.14 ", "naïve ", "天文台在山上。", "夜，", "안녕 ", "שלום ", "ไทย", "ｶﾅ"]
SPACES = [" ", "   ", "\n", "\r\n", "\n\n", "\r\n\r\n", "\t", "\u3000", "\xa0", "\u2028", "\x0b", "\x1f"]
ODD = [
    "\u200b",
    "\u200d",
    "\ufeff",
    "\u0301",
    "\u0301" * 20,
    "\ufe0f",
    "😀",
    "👩\u200d🚀",
    "🏳\ufe0f\u200d🌈",
    "\x00",
    "𠀀",
]
MARKS = [". ", "! ", "?” ", "）", ", ", "…", "# Head\n", "\n\n## Part\n\n", "#", "\n#\n", '"([', "e.g. "]
PIECES = [*WORDS, *SPACES, *ODD, *MARKS]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)
SIZES = st.integers(1, 30).flatmap(lambda most: st.tuples(st.just(most), st.integers(0, most - 1)))


def check(text, chunks, max_tokens, overlap_tokens, count=count_tokens):
    """Every invariant that the chunker promises."""
    for piece in chunks:
        assert text[piece.start : piece.end] == piece.text
        assert 1 <= count(piece.text) <= max_tokens
        assert not piece.text[0].isspace() and not piece.text[-1].isspace()
    for before, after in pairwise(chunks):
        assert before.start < after.start and before.end < after.end
        if count is count_tokens:
            assert count(text[after.start : before.end]) <= overlap_tokens
        assert not text[before.end : after.start].strip(), "text was lost between two chunks"
    first, last = (chunks[0].start, chunks[-1].end) if chunks else (0, 0)
    assert not (text[:first] + text[last:]).strip(), "text was lost at an end"


@settings(max_examples=400)
@given(TEXTS, SIZES)
def test_invariants(text, sizes):
    chunks = chunk(text, *sizes)
    check(text, chunks, *sizes)
    assert chunks == chunk(text, *sizes)


@given(st.text(max_size=80), SIZES)
def test_invariants_on_arbitrary_characters(text, sizes):
    check(text, chunk(text, *sizes), *sizes)


@given(TEXTS, SIZES, st.lists(st.integers(0, 300)))
def test_invariants_hold_whatever_headings_are_given(text, sizes, headings):
    max_tokens, overlap = sizes
    check(text, chunk(text, max_tokens, overlap, sorted(headings)), max_tokens, overlap)


@pytest.mark.parametrize("unit", ["x", "天", "ab ", "😀", "\u0301", "。", "👩‍🚀", "a\u200b", "End. ", "#"])
def test_a_megabyte_in_one_line(unit):
    text = unit * (1_000_000 // len(unit))
    check(text, chunk(text, 400, 40), 400, 40)


@pytest.mark.parametrize("blank", ["", " ", " " * 1_000_000, "\r\n\t\u3000\u2028"])
def test_blank_text_gives_no_chunk(blank):
    assert chunk(blank, 10) == []


@pytest.mark.parametrize(
    "max_tokens, overlap, named", [(0, 0, "got 0"), (-3, 0, "-3"), (5, 5, "5 of 5"), (5, -1, "-1")]
)
def test_bad_sizes_are_refused(max_tokens, overlap, named):
    with pytest.raises(ValueError, match=named):
        chunk("some text", max_tokens, overlap)


def test_a_text_that_fits_is_one_chunk_without_its_margins():
    (only,) = chunk("  \nOne. Two.\n\nThree.\n ", 50, 10)
    assert (only.text, only.start, only.end) == ("One. Two.\n\nThree.", 3, 20)


def texts(text, max_tokens, overlap_tokens=0, headings=None):
    return [piece.text for piece in chunk(text, max_tokens, overlap_tokens, headings)]


def test_sentences_stay_whole_where_they_fit():
    text = "The dome opens. Is it dark? “Yes.” (It is.) Pi is 3.14 or so. Stars shine!"
    ends = ("opens.", "dark?", "“Yes.”", "is.)", "so.", "shine!")
    assert all(piece.endswith(ends) for piece in texts(text, 10))
    assert len(texts(text, 10)) > 2


def test_chinese_sentences_stay_whole_where_they_fit():
    text = "圆顶在晚上打开。天黑了吗？“是的。”他说。星星很亮！望远镜对准木星。"
    pieces = texts(text, 14)
    assert all(piece.endswith(("。", "？", "”", "！")) for piece in pieces)
    assert "".join(pieces) == text


@pytest.mark.parametrize(
    "text, most, first",
    [
        ("One two. Three four.\n\nFive six. Seven eight nine ten.", 12, "One two. Three four."),  # paragraph > sentence
        ("One two three. Four five\nsix seven eight nine ten", 8, "One two three."),  # sentence > line
        ("One two three four\nfive six seven, eight nine ten", 8, "One two three four"),  # line > clause
        ("One two three four, five six seven eight nine ten", 7, "One two three four,"),  # clause > word
        ("One two three four five six", 4, "One two three four"),  # word > character
        ("observatories telescopes", 3, "observatories"),  # no word is split where one ends in reach
        ("One two.\n\nThree.\n\n# Four\n\nfive six seven eight", 8, "One two.\n\nThree."),  # heading > paragraph
        ("春天来了，花都开了很多", 8, "春天来了，"),
    ],
)
def test_the_most_natural_cut_in_reach_wins(text, most, first):
    assert texts(text, most)[0] == first


def test_overlap_begins_at_a_sentence_and_stops_at_a_heading():
    text = "One two three. Four five six. Seven eight nine.\n\n# Ten\n\nEleven twelve. Thirteen fourteen fifteen."
    assert texts(text, 8, 5) == [
        "One two three. Four five six.",
        "Four five six. Seven eight nine.",
        "# Ten\n\nEleven twelve.",
        "Eleven twelve. Thirteen fourteen fifteen.",
    ]


@pytest.mark.parametrize("heading", ["# Head", "###### Head", "   ## Head", "## 标题"])
def test_a_markdown_heading_starts_a_chunk(heading):
    body = "One two three four five. Six seven eight nine."
    pieces = texts(f"{body}\n\n{heading}\nEleven twelve thirteen. Fourteen fifteen sixteen seventeen.", 16, 4)
    assert any(piece.startswith(heading.strip()) for piece in pieces)
    assert not any("Six" in piece and "Head" in piece for piece in pieces)


@pytest.mark.parametrize("line", ["#hashtag", "####### seven", "    # code", "a # b"])
def test_what_only_looks_like_a_heading_does_not(line):
    assert texts(f"One two three four.\n{line}\nfive six seven. Eight nine ten eleven twelve.", 18)[0].count(line) == 1


def test_headings_may_be_given_as_offsets():
    text = "one two three four five six seven eight"
    assert texts(text, 6, 0, [text.index("five")]) == ["one two three four", "five six seven eight"]


SECTIONS = st.lists(
    st.tuples(st.integers(1, 6), st.lists(st.sampled_from(["word", "word.", "word.\n\nnew", "字。"]), max_size=40)),
    min_size=1,
    max_size=4,
)


@settings(max_examples=300)
@given(SECTIONS, st.integers(14, 60), st.integers(0, 6))
def test_no_chunk_ends_in_a_heading_whose_text_follows(sections, most, overlap):
    """Headings take 2 to 7 tokens of at least 14, so there is always room for a word of the text below."""
    text = "\n\n".join("# " + "head " * words + "\n\n" + " ".join(body) for words, body in sections)
    for piece in chunk(text, most, overlap):
        below = text[piece.end :].lstrip()
        assert not piece.text.splitlines()[-1].startswith("#") or not below or below.startswith("#")


def test_a_heading_keeps_its_text_after_a_long_introduction():
    """The heading stands in the first third of the chunk, where it can't be cut off, before a long paragraph."""
    intro = " ".join(["word"] * 130) + "."
    pieces = texts(f"{intro}\n\n# A heading of six words here\n\n" + " ".join(["body"] * 500), 400, 40)
    assert not any(piece.endswith("here") for piece in pieces)


def test_a_heading_right_below_another_stays_with_it():
    text = "Before it. Some words more stand here.\n\n# Part one\n## Chapter one\nThe text goes on here."
    assert texts(text, 16)[-1] == "# Part one\n## Chapter one\nThe text goes on here."


@given(TEXTS.map(lambda text: text.replace("\r", "")), SIZES)
def test_windows_line_ends_change_no_cut(text, sizes):
    windows = chunk(text.replace("\n", "\r\n"), *sizes)
    assert [piece.text.replace("\r\n", "\n") for piece in windows] == texts(text, *sizes)


# ---- a real tokenizer in place of the counter ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def find_starts(tmp_path_factory):
    """Byte-level BPE as GPT-2 has it: tokens hold their leading space, and a character may be several tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=330, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(
        ["The observatory opens at night, word for word.", "天文台在山上。天文台。"] * 3, trainer
    )
    file = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    tokenizer.save(str(file))
    starts_of, _ = load(file)

    def allow(calls: int) -> Callable[[str], np.ndarray]:
        """The tokenizer, for so many calls: an endless loop becomes a failure."""
        budget = iter(range(calls))

        def find_starts(text: str) -> np.ndarray:
            assert next(budget, None) is not None, "the chunker goes round in circles"
            return starts_of(text)

        return find_starts

    return allow


@settings(max_examples=300)
@given(TEXTS, st.integers(4, 30).flatmap(lambda most: st.tuples(st.just(most), st.integers(0, most - 1))))
def test_a_real_tokenizer_sets_the_limit(find_starts, text, sizes):
    """From 4 tokens on, the bytes of the longest character: below that no cut can keep the limit."""
    starts = find_starts(100 * len(text) + 1000)
    max_tokens, overlap = sizes
    chunks = chunk(text, max_tokens, overlap, find_starts=starts)
    check(text, chunks, max_tokens, overlap, lambda slice: len(starts(slice)))


def test_a_character_of_four_tokens_is_not_parted(find_starts):
    starts = find_starts(1000)
    assert len(starts("😀")) == 4
    assert [piece.text for piece in chunk("a😀bcdef", 4, find_starts=starts)] == ["a", "😀", "bcde", "f"]
    assert "".join(piece.text for piece in chunk("a😀😀b", 1, find_starts=find_starts(1000))) == "a😀😀b"


def test_a_slice_that_counts_higher_than_its_share_is_shortened(find_starts):
    """Without its space, the first word of a chunk is other tokens than it was in the text."""
    text = "a" + " night" * 20
    starts = find_starts(1000)
    assert len(starts(text)) == 21 and len(starts("night night")) > 2
    assert max(len(starts(piece.text)) for piece in chunk(text, 5, find_starts=starts)) == 5


def test_overlap_with_a_real_tokenizer_repeats_text(find_starts):
    text = "The observatory opens at night, word for word. " * 5
    chunks = chunk(text, 20, 6, find_starts=find_starts(1000))
    shared = [text[after.start : before.end] for before, after in pairwise(chunks)]
    assert any(shared) and all(re.match(r"\w|$", piece) for piece in shared)
