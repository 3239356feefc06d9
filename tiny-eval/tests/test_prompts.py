"""Templates are strict, examples come first, long prompts lose their middle, chats become one text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiny_eval.problem import EvalProblem
from tiny_eval.running.prompt import build, cut_by_pieces, fill, in_one_text
from tiny_eval.running.task import Task

ITEM = {
    "id": "q1",
    "input": "Which?",
    "answers": ["B", "b"],
    "choices": ["x", "y"],
    "all_classes": ["p", "q"],
    "none": None,
}
TASK = Task("t", "Q: {{input}}", data="d", answer="{{answers}}")


def test_fields_are_filled_in():
    assert fill("{{input}}\n{{ choices }}\n{{all_classes}} {{answers}}", ITEM) == "Which?\nA. x\nB. y\np, q B"


@pytest.mark.parametrize("name", ["question", "none", "input.__class__", ""])
def test_a_name_that_is_not_there_is_named(name):
    with pytest.raises(EvalProblem, match=r"asks for .* and item 'q1' has no .*; it has id, input"):
        fill("{{" + name + "}}", ITEM)


@given(st.text())
def test_braces_of_the_item_are_no_template(text):
    assert fill("<{{input}}>", {"input": text}) == f"<{text}>"


def test_examples_are_turns_with_their_answers():
    found = build(TASK, ITEM, [{"id": "e", "input": "One?", "answers": ["A"]}])
    assert [(turn["role"], turn["content"]) for turn in found.messages] == [
        ("user", "Q: One?"), ("assistant", "A"), ("user", "Q: Which?")]  # fmt: skip
    assert found.text == "Q: One?\n\nA\n\nQ: Which?" and found.cut == 0


def test_chat_templates_are_those_of_the_models():
    turns = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    assert in_one_text(turns, "chatml") == (
        "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\nu<|im_end|>\n<|im_start|>assistant\n"
    )
    assert in_one_text(turns, "llama3") == (
        "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\ns<|eot_id|><|start_header_id|>user"
        "<|end_header_id|>\n\nu<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
    )
    with pytest.raises(EvalProblem, match="no chat template 'other'"):
        in_one_text(turns, "other")


@given(st.text(alphabet="ab 。字\n7.", max_size=200), st.integers(4, 40))
def test_what_is_cut_keeps_both_ends_and_fits(text, longest):
    found, count = cut_by_pieces(text, longest)
    if found == text:
        assert count <= longest
    else:
        head, tail = found.split(" … ")
        assert text.startswith(head) and text.endswith(tail) and count == longest
        assert abs(cut_by_pieces(head, 10**9)[1] - cut_by_pieces(tail, 10**9)[1]) <= 3


def test_a_long_prompt_is_cut_and_says_so():
    item = {"id": "q", "input": "one " * 50 + "middle " + "two " * 50, "answers": ["a"]}
    found = build(TASK, item, longest=40)
    assert found.cut > 50 and found.messages[0]["content"].startswith("Q: one") and "middle" not in found.text
    assert found.tokens <= 44
    with pytest.raises(EvalProblem, match="leave no room"):
        build(TASK, item, [item], longest=40)
