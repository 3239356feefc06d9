"""Choice accuracy: letters however they are written, and nothing for an answer that isn't one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiny_eval.metrics.choice import choice, key, letters


@pytest.mark.parametrize(
    "pred",
    [
        "B",
        "b",
        "(B)",
        "B.",
        "**B**",
        "Ｂ",
        "$\\mathrm{B}$",
        "B. Paris",
        "(B) Paris",
        "B、巴黎",
        "The answer is B.",
        "The answer is (b).",
        "**Answer:** B",
        "Answer: option B",
        "The correct answer is: B) Paris",
        "the answer to the question is B because A is too small.",
        "A is too small.\nB",
        "First I thought the answer is A. But then, no: the answer is B.",
        "So we get $\\boxed{B}$.",
        "\\boxed{\\text{(B)}}",
        '{"reason": "A is wrong", "answer": "B"}',
        "答案：B",
        "正确答案是B。",
        "【答案】 B <eoa>",
        "所以选 B 项，而不选 A。",
        "正确选项为 B",
        "<think>The answer is A? No.</think>The answer is B.",
        "The answer is A? No.</think>B",
    ],
)
def test_b_is_read(pred):
    assert choice(pred, ["B"]) == 1.0
    assert choice(pred, ["A"]) == choice(pred, ["AB"]) == 0.0


@pytest.mark.parametrize(
    "pred",
    [
        "",
        "  ",
        "Paris",
        "The answer is B or A.",
        "答案是 B 或 A",
        "BECAUSE",
        "Because of Brexit",
        "The answer is not B.",
        "B is wrong.",
        "B 项错误",
        "排除 B",
        "<think>The answer is B",
        "42",
        "x_B + B^2",
        "The B-side",
    ],
)
def test_no_answer_is_read(pred):
    assert letters(pred) == frozenset()
    assert choice(pred, ["B"]) == 0.0


@pytest.mark.parametrize(
    "pred", ["AC", "C, A", "A、C", "A and C", "The answers: A and C", "答案：A，C", "故选：AC。", "A C", "CA"]
)
def test_several_letters_have_no_order(pred):
    assert choice(pred, ["AC"]) == choice(pred, ["C, A"]) == 1.0
    assert choice(pred, ["A"]) == choice(pred, ["ABC"]) == 0.0


def test_one_of_several_answers_is_enough():
    assert choice("B", ["A", "B"]) == 1.0 and choice("C", ["A", "B"]) == 0.0


@pytest.mark.parametrize("answers", [["(B)"], ["B. Paris"], ["b"], ["【答案】B"]])
def test_answers_may_be_written_out(answers):
    assert choice("B", answers) == 1.0 and choice("A", answers) == 0.0


@pytest.mark.parametrize("answers", [[], ["Paris"], ["B", ""]])
def test_answers_without_letters_are_refused(answers):
    with pytest.raises(ValueError, match="letters A to H"):
        choice("B", answers)


@given(
    st.sets(st.sampled_from("ABCDEFGH"), min_size=1), st.permutations(range(8)), st.sampled_from(["", ", ", "、", " "])
)
def test_any_set_in_any_order_is_read_back(chosen, order, separator):
    text = separator.join(sorted(chosen, key=lambda letter: order["ABCDEFGH".index(letter)]))
    assert key([text]) == [frozenset(chosen)]
    assert letters(f"Therefore the answer is {text}.") == letters(f"故选：{text}。") == chosen


@given(st.text(max_size=60))
def test_any_text_scores_0_or_1(pred):
    assert choice(pred, ["B"]) in (0.0, 1.0)
