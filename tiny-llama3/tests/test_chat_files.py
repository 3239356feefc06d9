"""Chats, pairs, prompts and labels from files, and everything that can be wrong with a line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiny_llama3.align.chat_files import Labelled, Pair, Prompt, read_chats, read_labelled, read_pairs, read_prompts
from tiny_llama3.chat_template import Message
from tiny_llama3.problem import Problem

USER, ASSISTANT = {"role": "user", "content": "2 + 2?"}, {"role": "assistant", "content": "4"}
GOOD = {"messages": [USER, ASSISTANT]}
GOOD_PAIR = {"prompt": [USER], "chosen": "4", "rejected": "5"}


def written(tmp_path, *rows):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), "utf-8")
    return path


def test_chats(tmp_path):
    system = {"role": "system", "content": "Be brief."}
    path = written(tmp_path, GOOD, "", {"messages": [system, USER, ASSISTANT, USER, ASSISTANT]})
    chats = read_chats(path)
    assert chats[0] == (Message("user", "2 + 2?"), Message("assistant", "4"))
    assert [message.role for message in chats[1]] == ["system", "user", "assistant", "user", "assistant"]


def test_pairs_prompts_and_labels(tmp_path):
    question = (Message("user", "2 + 2?"),)
    assert read_pairs(written(tmp_path, GOOD_PAIR)) == [Pair(question, "4", "5")]
    assert read_pairs(written(tmp_path, GOOD_PAIR | {"prompt": "2 + 2?"})) == [Pair(question, "4", "5")]
    rows = {"prompt": [USER]}, {"prompt": [USER], "answer": "4"}, GOOD
    assert read_prompts(written(tmp_path, *rows)) == [Prompt(question), Prompt(question, "4"), Prompt(question, "4")]
    assert read_labelled(written(tmp_path, {"text": "a", "label": "x"})) == [Labelled("a", "x")]


@pytest.mark.parametrize(
    ("read", "row", "words"),
    [
        (read_chats, "{", "not JSON"),
        (read_chats, "[1]", "a JSON object is needed"),
        (read_chats, "[" * 100_000, "not JSON"),
        (read_chats, {}, "'messages' is missing"),
        (read_chats, {"messages": "hello"}, "'messages' must be a list"),
        (read_chats, {"messages": []}, "the last message must be the assistant's"),
        (read_chats, {"messages": [USER]}, "the last message must be the assistant's"),
        (read_chats, {"messages": [USER, ASSISTANT | {"content": " \n"}]}, "the assistant's content is empty"),
        (read_chats, {"messages": [USER, ASSISTANT | {"content": None}]}, "message 2: content must be text"),
        (read_chats, {"messages": [USER, USER, ASSISTANT]}, "message 2: the user speaks twice"),
        (read_chats, {"messages": [USER | {"role": "bot"}, ASSISTANT]}, "message 1: role must be"),
        (read_chats, {"messages": [USER | {"role": ["user"]}, ASSISTANT]}, "message 1: role must be"),
        (read_chats, {"messages": [USER, {"role": "system", "content": "x"}, ASSISTANT]}, "the system speaks first"),
        (read_chats, {"messages": ["hello", ASSISTANT]}, "message 1 must be an object"),
        (read_pairs, GOOD_PAIR | {"rejected": " 4"}, "are the same"),
        (read_pairs, GOOD_PAIR | {"chosen": ""}, "'chosen' is empty"),
        (read_pairs, GOOD_PAIR | {"chosen": 4}, "'chosen' must be text"),
        (read_pairs, GOOD_PAIR | {"prompt": []}, "must end with a message of the user"),
        (read_pairs, GOOD_PAIR | {"prompt": [USER, ASSISTANT]}, "must end with a message of the user"),
        (read_pairs, {"chosen": "a", "rejected": "b"}, "'prompt' must be a list"),
        (read_prompts, {"prompt": [USER], "answer": 4}, "'answer' must be text"),
        (read_prompts, {"messages": [ASSISTANT]}, "nobody asks"),
        (read_labelled, {"text": "a"}, "'label' is missing"),
        (read_labelled, {"text": "", "label": "x"}, "'text' is empty"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named(tmp_path, read, row, words):
    good = {read_chats: GOOD, read_pairs: GOOD_PAIR, read_prompts: GOOD, read_labelled: {"text": "a", "label": "b"}}
    with pytest.raises(Problem) as caught:
        read(written(tmp_path, good[read], row))
    message = str(caught.value)
    assert words in message and "line 2" in message and "rows.jsonl" in message and "\n" not in message


def test_bad_files(tmp_path):
    with pytest.raises(Problem, match="can't be read"):
        read_chats(tmp_path / "missing.jsonl")
    with pytest.raises(Problem, match="is empty"):
        read_chats(written(tmp_path, ""))
    path = tmp_path / "latin.jsonl"
    path.write_bytes(b'{"text": "caf\xe9", "label": "x"}\n')
    with pytest.raises(Problem, match="line 1: not UTF-8"):
        read_labelled(path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["messages", "role", "content", "prompt", "chosen", "rejected", "text", "label", "answer"]),
        inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@given(rows=st.lists(json_values, min_size=1, max_size=3))
def test_anything_is_read_or_refused(tmp_path_factory, rows):
    path = written(tmp_path_factory.mktemp("any"), *rows)
    for read in (read_chats, read_pairs, read_prompts, read_labelled):
        try:
            read(path)
        except Problem as problem:
            assert "\n" not in str(problem)
