"""A vocabulary of characters: there and back, and what it does with strangers."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiny_transformer.characters import FIRST_CHARACTER, UNKNOWN, Characters
from tiny_transformer.tasks.task import vocabulary_from_json


@given(st.text(max_size=30), st.text(max_size=30))
def test_known_characters_come_back_and_strangers_are_shown(known, text):
    characters = Characters(known)
    ids = characters.encode(text)
    assert characters.decode(ids) == "".join(c if c in known else "\ufffd" for c in text)
    assert all((number == UNKNOWN) != (c in known) for number, c in zip(ids, text, strict=True))
    assert all(0 <= number < characters.size for number in ids)


def test_numbers_depend_on_the_set_alone():
    assert Characters("cab").encode("abc") == Characters("aabbcc").encode("abc") == [4, 5, 6]
    assert Characters("cab").size == FIRST_CHARACTER + 3


def test_special_symbols_are_no_text():
    assert Characters("ab").decode([1, 4, 5, 2, 0]) == "ab"
    assert Characters("ab").tokens([1, 4, 3]) == ["", "a", "\ufffd"]


@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_json_and_back(known):
    again = vocabulary_from_json(json.loads(json.dumps(Characters(known).as_json())))
    assert isinstance(again, Characters) and again.characters == Characters(known).characters


def test_refuses_what_is_no_character():
    with pytest.raises(ValueError, match="one character"):
        Characters(["a", "bc"])
    with pytest.raises(ValueError, match="unknown kind of vocabulary 'words'"):
        vocabulary_from_json({"kind": "words"})
