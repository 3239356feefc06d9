"""GAOKAO's partial credit: every key against every answer, and the ways in which answers are written."""

from itertools import combinations

import pytest

from tiny_eval.metrics.gaokao import gaokao_choice

SETS = [frozenset(chosen) for size in range(5) for chosen in combinations("ABCD", size)]


def test_numbers_by_hand():
    scores = [gaokao_choice(pred, ["AC"]) for pred in ("故选：AC", "【答案】A", "答案是 A、B", "")]
    assert scores == [1.0, 0.5, 0.0, 0.0]


@pytest.mark.parametrize("right", SETS[1:])
@pytest.mark.parametrize("chosen", SETS)
def test_every_key_against_every_answer(right, chosen):
    if chosen == right:
        expected = 1.0
    elif chosen and not chosen - right:
        expected = 0.5
    else:
        expected = 0.0
    written = "".join(sorted(chosen))
    for answers in (["".join(sorted(right))], sorted(right), ["、".join(sorted(right, reverse=True))]):
        for pred in (
            (written, f"【答案】{written}", f"A 错误。故选：{'、'.join(sorted(chosen))}。") if chosen else ("", "无解")
        ):
            assert gaokao_choice(pred, answers) == expected, (pred, answers)


def test_a_single_choice_question_has_no_half():
    assert {gaokao_choice(pred, ["B"]) for pred in ("", "A", "AB", "ABCD", "C")} == {0.0}
    assert gaokao_choice("B", ["B"]) == 1.0


@pytest.mark.parametrize(
    "pred",
    [
        "【解析】A 项错误，B 项错误。【答案】 AC <eoa>",
        "故选：AC",
        "故选: $\\mathrm{AC}$ 。",
        "故选 $A C$.",
        "答案是 A、C",
        "因此正确答案为：A，C。",
        "应选 A、C 两项",
        "所以本题选AC",
        "正确选项是 A 和 C。",
        "故 AC 正确，BD 错误。",
        "综上，\\boxed{AC}",
        "A、C",
        "<think>选 B？不对。</think>\n故选：AC",
        "The answer is A and C.",
    ],
)
def test_ways_to_write_an_answer(pred):
    assert gaokao_choice(pred, ["AC"]) == 1.0
    assert gaokao_choice(pred, ["ABC"]) == 0.5
    assert gaokao_choice(pred, ["A"]) == 0.0


@pytest.mark.parametrize("pred", ["", "  ", "我不知道", "选项太多", "<think>故选：AC", "不选 AC", "排除 AC"])
def test_no_answer_earns_nothing(pred):
    assert gaokao_choice(pred, ["AC"]) == gaokao_choice(pred, ["A"]) == 0.0


@pytest.mark.parametrize("answers", [[], [""], ["对"]])
def test_a_key_without_letters_is_refused(answers):
    with pytest.raises(ValueError, match="letters A to H"):
        gaokao_choice("A", answers)
