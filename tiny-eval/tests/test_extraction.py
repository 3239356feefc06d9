r"""Extractors: what fires, what it finds, and where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiny_eval.extraction import CHAINS, EXTRACTORS, Extracted, extract, is_truncated, visible

TAGS = "<think> </think> <THINKING> </thinking>".split()
MARKS = r"\boxed{ } { \{ \} #### 42 1,234 A B. (C) 答案是 故选 【答案】 $ \frac{1}{2} 。 . ** not or".split()
PIECES = [*TAGS, *MARKS, "The answer is", '{"answer":"B"}', "\n"]
TEXTS = st.one_of(st.text(max_size=60), st.lists(st.sampled_from([*PIECES, " "]), max_size=15).map("".join))


def test_the_example():
    text = "So 6 · 7 = 42.\n#### 42"
    assert extract(text, "maths") == Extracted("42", "hash", 20, 22)
    assert text[20:22] == "42"


@pytest.mark.parametrize(
    "extractor, text, value",
    [
        ("hash", "#### 18\n\nQuestion: …\n#### 5", "18"),
        ("hash", "#### $1,234.\n", "$1,234"),
        ("boxed", r"\boxed{1} or rather \boxed{2}", "2"),
        ("boxed", r"$\boxed{\frac{1}{\sqrt{2}}}$.", r"\frac{1}{\sqrt{2}}"),
        ("boxed", r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        ("boxed", r"\fbox{7}", "7"),
        ("boxed", r"$\boxed 5$", "5"),
        ("boxed", r"\boxed{3} and \boxed{4", "3"),
        ("answer_is", "The answer is 18 eggs. Bye.", "18 eggs"),
        ("answer_is", "The answer is 18.5 eggs", "18.5 eggs"),
        ("answer_is", "**Answer:** Paris\nMore", "Paris"),
        ("answer_is", "The answer to your question is:\n\n42", "42"),
        ("answer_is", "答案：巴黎。谢谢", "巴黎"),
        ("answer_is", "正确答案是：B。", "B"),
        ("answer_is", "解：略。故选：AC。", "AC"),
        ("answer_is", "The answer is 1. No, the answer is 2.", "2"),
        ("letter_line", "A\nblah\n(B)\nblah B", "B"),
        ("letter_line", "C. Rome", "C"),
        ("last_letter", "A beats B", "B"),
        ("last_letter", "A is right, B is wrong", "A"),
        ("last_number", "16 - 3 - 4 = 9 and 9·2 = 18 dollars", "18"),
        ("last_number", "it is -3.5 now", "-3.5"),
        ("last_number", "16-3", "3"),
        ("last_number", "so 1,234,567.", "1,234,567"),
        ("last_number", "so 3/4 of it", "3/4"),
        ("last_number", r"so $\frac{3}{4}$", r"\frac{3}{4}"),
        ("last_number", "about 1.5 million people", "1.5 million"),
        ("json_field", '{"answer": "a\\"b"}', 'a"b'),
        ("json_field", 'Sure: {"reason": "x", "answer": 18}', "18"),
        ("json_field", '{"答案": ["A", "C"]}', "A,C"),
        ("json_field", '{"answer": null, "choice": "D"}', "D"),
        ("first_line", "\n  Paris \nRome", "Paris"),
        ("whole", "  Paris\nRome ", "Paris\nRome"),
    ],
)
def test_each_extractor(extractor, text, value):
    found = extract(text, extractor)
    assert found is not None and (found.value, found.extractor) == (value, extractor)
    if not text.startswith(('{"answer": "a', '{"答案')):  # an escape, a joined list: the place is that of the JSON
        assert text[found.start : found.end] == value


@pytest.mark.parametrize(
    "extractor, text",
    [
        ("hash", "no hashes"),
        ("hash", "####\n18"),
        ("boxed", r"\boxed{"),
        ("boxed", r"\boxed{}"),
        ("answer_is", "I know the answer."),
        ("answer_is", "选项很多，不选。"),
        ("letter_line", "A cat\nB-side"),
        ("letter_line", "A. one\nB. two"),
        ("last_letter", "no capital here; CO2, USA, x_A"),
        ("last_number", "none"),
        ("json_field", '{"answer": }'),
        ("json_field", '{"answer": true}'),
        ("json_field", '"answer": ' + "[" * 5000),
        ("json_field", '"answer": ' + "9" * 5000),
        ("first_line", " \n\t\n"),
        ("whole", ""),
    ],
)
def test_nothing_is_found(extractor, text):
    assert extract(text, extractor) is None


@pytest.mark.parametrize(
    "chain, text, extractor, value",
    [
        ("choice", 'A… \\boxed{B} {"answer": "C"}', "json_field", "C"),
        ("choice", "\\boxed{B}, the answer is A", "boxed", "B"),
        ("choice", "The answer is A\nB", "answer_is", "A"),
        ("choice", "The answer is clear.\nB", "letter_line", "B"),
        ("choice", "The answer is clear: B wins", "last_letter", "B"),
        ("choice", "\\boxed{42} so B wins", "last_letter", "B"),
        ("maths", "\\boxed{1}\n#### 2", "hash", "2"),
        ("maths", "The answer is 3, not \\boxed{1}", "boxed", "1"),
        ("maths", "The answer is 3, not 1.", "answer_is", "3, not 1"),
        ("maths", "The answer is obvious: 3 eggs", "answer_is", "obvious: 3 eggs"),
        ("maths", "The answer is obvious. 3 eggs", "last_number", "3"),
        ("gaokao", "A 错误，故选：BC。", "answer_is", "BC"),
        ("text", "I think the answer is Paris.", "answer_is", "Paris"),
        ("text", "Paris", "whole", "Paris"),
    ],
)
def test_chains_ask_the_strict_ones_first(chain, text, extractor, value):
    found = extract(text, chain)
    assert found is not None and (found.extractor, found.value) == (extractor, value)


@pytest.mark.parametrize(
    "text, seen",
    [
        ("<think>a\nb</think>C", " " * 18 + "C"),
        ("a <Thinking>b</Thinking> c", "a " + " " * 22 + " c"),
        ("a</think>b", " " * 9 + "b"),
        ("<think>a<think>b</think>c</think>d", " " * 33 + "d"),
        ("x<think>a</think>y<think>b</think>z", "x" + " " * 16 + "y" + " " * 16 + "z"),
        ("no thoughts", "no thoughts"),
    ],
)
def test_finished_thoughts_are_blank(text, seen):
    assert visible(text) == seen and len(seen) == len(text)
    assert not is_truncated(text)


@pytest.mark.parametrize(
    "text", ["<think>", "<think>The answer is B", "B<think>a</think>C<think>d", "<think><think>a</think>B"]
)
def test_thoughts_that_never_end_mean_that_the_output_was_cut_off(text):
    assert is_truncated(text)
    assert all(extract(text, chain) is None for chain in [*CHAINS, *EXTRACTORS])


def test_places_hold_for_the_text_as_it_was_written():
    text = "<think>\\boxed{A}</think> The answer is **B**."
    assert extract(text, "choice") == Extracted("B", "answer_is", text.index("B*"), text.index("B*") + 1)
    assert extract(text, "boxed") is None


@given(TEXTS, st.sampled_from([*CHAINS, *EXTRACTORS]))
def test_a_place_is_always_that_of_the_value(text, chain):
    found = extract(text, chain)
    assert len(visible(text)) == len(text)
    if found:
        assert 0 <= found.start < found.end <= len(text) and found.value.strip()
        if found.extractor != "json_field":
            assert visible(text)[found.start : found.end] == found.value
        assert chain in EXTRACTORS or found.extractor in CHAINS[chain].extractors


@given(TEXTS, st.sampled_from(["choice", "gaokao"]))
def test_extracting_letters_twice_changes_nothing(text, chain):
    found = extract(text, chain)
    if found:
        again = extract(found.value, chain)
        assert again is not None and again.value == found.value


@pytest.mark.parametrize(
    "piece", [" ", "\n", "\\boxed{", "A ", "####", "1,234", "<think>", "</think>", "选 ", "answer ", '"answer":', "{"]
)
@pytest.mark.parametrize("chain", [*CHAINS])
def test_long_texts_take_linear_time(piece, chain):
    """A quadratic pattern would need minutes for these 200,000 characters; the test would not come back."""
    extract("答案" + piece * (200_000 // len(piece)) + "x", chain)


def test_an_unknown_chain_is_refused():
    with pytest.raises(ValueError, match="'gsm'.*choice, gaokao, maths"):
        extract("1", "gsm")
