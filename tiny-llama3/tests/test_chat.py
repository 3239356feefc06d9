"""Talking: the same as generating from the whole conversation, and old messages give way to new ones."""

import pytest

from tiny_base import base, tokenizer
from tiny_llama3.chat import Conversation
from tiny_llama3.chat_template import Message, prompt_ids
from tiny_llama3.generate import generate
from tiny_llama3.problem import Problem
from tiny_llama3.sampling import Sampling


def expected_reply(messages, count):
    t = tokenizer()
    ids = prompt_ids(t, messages)
    new = generate(base(), ids, count)[len(ids) :]
    return t.decode([id for id in new if id not in (t.eos_id, t.eot_id)], skip_special=True)


def test_a_reply_is_the_greedy_continuation():
    talk = Conversation(base(), tokenizer(), "Be brief.", max_new_tokens=12)
    pieces: list[str] = []
    first = talk.reply("What is 1 + 1?", pieces.append)
    asked = [Message("system", "Be brief."), Message("user", "What is 1 + 1?")]
    assert first.text == "".join(pieces) == expected_reply(asked, 12)
    second = talk.reply("And 2 + 2?")
    asked += [Message("assistant", first.text), Message("user", "And 2 + 2?")]
    assert second.text == expected_reply(asked, 12)
    assert [message.role for message in talk.messages] == ["user", "assistant"] * 2


def test_the_oldest_messages_are_forgotten():
    talk = Conversation(base(), tokenizer(), "S", Sampling(temperature=1), max_new_tokens=40, seed=1)
    forgotten = [talk.reply(f"What is {number} + {number}? " * 3).forgotten for number in range(10, 16)]
    assert forgotten[0] == 0 and max(forgotten) >= 2
    assert talk.messages[0].role == "user" and len(talk.messages) < 12
    assert len(prompt_ids(tokenizer(), [*talk.system, *talk.messages[:-1]])) + 40 <= 256


def test_refusals():
    talk = Conversation(base(), tokenizer())
    with pytest.raises(Problem, match="is empty"):
        talk.reply(" ")
    with pytest.raises(Problem, match="shorten it"):
        talk.reply("1 + 1 " * 400)

    def stop(piece):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        talk.reply("What is 1 + 1?", stop)
    assert talk.messages == []  # nothing half-said
