"""Ids equal those of `tokenizers` and tiktoken, no text is lost, special tokens come only where they are allowed."""

import copy
import random

import pytest
import tiktoken
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import Tokenizer as LibraryTokenizer

from random_texts import SENTENCES, assigned_text, random_texts
from tiny_llama3 import text_input
from tiny_llama3.added_tokens import AddedToken
from tiny_llama3.pretoken_cache import PretokenCache
from tiny_llama3.pretokenize import LLAMA3_PATTERN
from tiny_llama3.problem import Problem
from tiny_llama3.tokenizer import SPECIAL, Tokenizer
from tiny_llama3.tokenizer_json import to_json

CORPUS = [*SENTENCES, *random_texts(400, seed=6)]
TOK = Tokenizer.train(CORPUS, 1500)
LIBRARY = LibraryTokenizer.from_str(to_json(TOK).decode())
LIBRARY.encode_special_tokens = True  # names of special tokens are ordinary text, as for us
TIKTOKEN = tiktoken.Encoding("twin", pat_str=LLAMA3_PATTERN, mergeable_ranks=TOK.vocab, special_tokens=TOK.special)
ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=60)


def test_ids_equal_both_libraries_on_10000_random_texts():
    texts = random_texts(10_000, seed=7)
    theirs = LIBRARY.encode_batch(texts, add_special_tokens=False)
    merged = 0
    for text, encoding in zip(texts, theirs, strict=True):
        ids = TOK.encode(text)
        assert ids == encoding.ids
        assert ids == TIKTOKEN.encode_ordinary(text)
        assert TOK.decode(ids) == text
        merged += sum(id >= 256 for id in ids)
    assert merged > 50_000  # or the merges wouldn't have been put to the test


@given(assigned_text())
@example("<|begin_of_text|>x<|eot_id|>")
@example("'S 'ſ")
def test_ids_equal_both_libraries(text):
    assert TOK.encode(text) == LIBRARY.encode(text).ids == TIKTOKEN.encode_ordinary(text)


@pytest.mark.parametrize(
    "text", ["a" * 30_000, "猫坐" * 5_000, "the cat" * 3_000, "-" * 9_000, " " * 9_000, "x1" * 9_000]
)
def test_ids_of_long_pretokens_equal_both_libraries(text):
    assert TOK.encode(text) == LIBRARY.encode(text).ids == TIKTOKEN.encode_ordinary(text)


@given(ANY_TEXT)
@example("\x00\x1c\x85\ufeff\u200d👨‍👩‍👧 e\u0301 ½ Ⅷ ² <|eot_id|>")
def test_decode_undoes_encode(text):
    ids = TOK.encode(text)
    assert TOK.decode(ids) == text
    assert all(0 <= id < TOK.vocab_size for id in ids)
    assert b"".join(map(TOK.token_bytes, ids)) == text.encode()


@given(ANY_TEXT, ANY_TEXT)
def test_a_special_token_is_a_border(first, second):
    """Nothing reaches across, so the ids of a text of two documents are those of the two."""
    ids = TOK.encode(f"{first}<|eot_id|>{second}", allowed_special={"<|eot_id|>"})
    assert ids == [*TOK.encode(first), TOK.special["<|eot_id|>"], *TOK.encode(second)]


@given(ANY_TEXT, ANY_TEXT)
def test_a_word_after_a_letter_and_a_space_starts_anew(first, second):
    text, following = f"{first}a", f" b{second}"
    assert TOK.encode(text + following) == TOK.encode(text) + TOK.encode(following)


def test_numbering():
    assert TOK.vocab_size == 1500 == 256 + len(TOK.merges) == len(TOK.vocab)
    assert TOK.special == {name: 1500 + number for number, name in enumerate(SPECIAL)}
    assert len(TOK) == 1508
    assert (TOK.bos_id, TOK.eos_id, TOK.pad_id, TOK.eot_id) == (1500, 1501, 1502, 1506)
    for rank, (left, right) in enumerate(TOK.merges):
        assert TOK.token_bytes(256 + rank) == left + right
        assert TOK.rank(left, right) == rank
    assert TOK.rank(b"x", b"no token") is None
    assert TOK.token_bytes(1506) == b"<|eot_id|>"


@pytest.mark.parametrize("processes", [1, 2])
def test_training_over_processes_and_streams_gives_the_same(processes, monkeypatch):
    monkeypatch.setattr(text_input, "BATCH", 3000)
    again = Tokenizer.train(iter(CORPUS), 1500, processes=processes)
    assert again.merges == TOK.merges and again.vocab == TOK.vocab


def test_another_pattern_can_be_trained():
    """One that doesn't cut at spaces, so that both words are one token in the end."""
    tokenizer = Tokenizer.train(["banana banana"], 262, pattern=r"[^\n]+")
    assert tokenizer.encode("banana banana\n") == [261, tokenizer.vocab[b"\n"]]
    assert tokenizer.token_bytes(261) == b"banana banana"


def test_names_of_special_tokens_are_text_unless_allowed():
    text = "a<|eot_id|>b<|end_of_text|>"
    eot, eos = TOK.special["<|eot_id|>"], TOK.special["<|end_of_text|>"]
    assert not {eot, eos} & set(TOK.encode(text))
    assert TOK.encode(text) == TIKTOKEN.encode(text, disallowed_special=())
    assert TOK.encode(text, allowed_special="all") == TIKTOKEN.encode(text, allowed_special="all")
    some = {"<|eot_id|>"}
    assert TOK.encode(text, allowed_special=some) == TIKTOKEN.encode(text, allowed_special=some, disallowed_special=())
    assert TOK.encode(text, allowed_special="<|eot_id|>") == TOK.encode(text, allowed_special=[*some])
    assert TOK.encode(text, allowed_special="all")[-1] == eos
    with pytest.raises(
        Problem, match=r"allowed_special has <\|x\|>, which is no special token here; those are <\|begin"
    ):
        TOK.encode(text, allowed_special={"<|x|>"})


def test_decoding_special_tokens():
    ids = [TOK.special["<|begin_of_text|>"], *TOK.encode("猫 sat"), TOK.special["<|end_of_text|>"]]
    assert TOK.decode(ids) == "<|begin_of_text|>猫 sat<|end_of_text|>" == LIBRARY.decode(ids, skip_special_tokens=False)
    assert TOK.decode(ids, skip_special=True) == "猫 sat" == LIBRARY.decode(ids)
    assert TOK.decode([]) == "" == TOK.decode([TOK.special["<|eot_id|>"]], skip_special=True)


@given(st.lists(st.integers(0, len(TOK) - 1), max_size=40), st.booleans())
def test_any_ids_decode_as_the_library_does_and_the_stream_joins_to_the_same(ids, skip):
    """Random ids are mostly no UTF-8."""
    text = TOK.decode(ids, skip_special=skip)
    assert text == LIBRARY.decode(ids, skip_special_tokens=skip)
    stream = TOK.decode_stream(skip_special=skip)
    assert "".join([*map(stream.push, ids), stream.flush()]) == text


def test_the_stream_holds_back_what_is_no_whole_character():
    byte = [TOK.vocab[bytes([byte])] for byte in "猫".encode()]
    stream = TOK.decode_stream()
    assert [stream.push(id) for id in [*byte, TOK.vocab[b"a"], byte[0]]] == ["", "", "猫", "a", ""]
    assert stream.flush() == "\ufffd"
    assert stream.push(*byte) == "猫" and stream.flush() == ""


def test_batches(monkeypatch):
    wanted = [TOK.encode(text) for text in CORPUS]
    assert TOK.encode_batch(CORPUS) == wanted
    assert TOK.encode_batch(iter(CORPUS), processes=2) == wanted  # too little for a second process
    monkeypatch.setattr(text_input, "BATCH", 3000)
    assert TOK.encode_batch(CORPUS, processes=2) == wanted
    texts = ["<|eot_id|>" * 100, "x"] * 40
    assert TOK.encode_batch(texts, processes=2, allowed_special="all")[:2] == [[TOK.eot_id] * 100, TOK.encode("x")]
    assert TOK.encode_batch([]) == []


def test_another_process_gets_no_cache():
    TOK.encode("some words that are kept")
    again = copy.deepcopy(TOK)  # by the way that leads to other processes
    assert TOK._ids_of and not again._ids_of
    assert again.encode(CORPUS[0]) == TOK.encode(CORPUS[0]) and again._ids_of
    assert (again.special, again.merges) == (TOK.special, TOK.merges)


def test_the_cache_is_bounded(monkeypatch):
    monkeypatch.setattr(PretokenCache, "ENTRIES", 50)
    monkeypatch.setattr(PretokenCache, "LONGEST", 8)
    tokenizer = copy.deepcopy(TOK)
    for text in random_texts(300, seed=8):
        assert tokenizer.encode(text) == TOK.encode(text)
        assert len(tokenizer._ids_of) <= 50
        assert all(len(pretoken) <= 8 for pretoken in tokenizer._ids_of)
    assert tokenizer._ids_of


@pytest.mark.parametrize(
    ("texts", "vocab_size", "message"),
    [
        ([], 300, "there is no text to learn from"),
        (["", ""], 300, "there is no text to learn from"),
        (["abc"], 255, r"vocab_size must be 256 or more, a token for each byte \(got 255\)"),
        (["low low"], 300, r"the texts support a vocab_size of 259 at most \(got 300\); give more text"),
        ("low low", 256, r"give \[text\]"),
        (["ab", "c\udc80"], 256, r"lone surrogate, U\+DC80, at character 1"),
        (["<|eot_id|>" * 9], 265, r"the texts made an ordinary token of b'<\|eot_id\|>'"),
    ],
)
def test_training_refuses(texts, vocab_size, message):
    with pytest.raises(Problem, match=message):
        Tokenizer.train(texts, vocab_size, pattern=r"<\|eot_id\|>|" + LLAMA3_PATTERN)


def test_the_largest_vocabulary_that_is_named_can_be_had():
    assert Tokenizer.train(["low low"], 259).encode("low low") == [257, 258]
    assert Tokenizer.train(["x"], 256).vocab_size == 256


def test_encoding_and_decoding_refuse():
    for call in (TOK.encode, lambda text: TOK.encode_batch(["fine", text])):
        with pytest.raises(Problem, match=r"the text has a lone surrogate, U\+D83D, at character 2"):
            call("ab\ud83d")
    with pytest.raises(Problem, match=r"give \[text\]"):
        TOK.encode_batch("one text")
    for id in (1508, -1, 10**9):
        with pytest.raises(Problem, match=rf"{id} is no token: ids go to 1507"):
            TOK.decode([id])
        with pytest.raises(Problem, match="is no token"):
            TOK.decode_stream().push(id)


def test_a_vocabulary_without_some_bytes_says_which():
    tokenizer = Tokenizer({b"a": 0, b"b": 1, b"ab": 2}, {(b"a", b"b"): 0})
    assert tokenizer.encode("abba") == [2, 1, 0]
    with pytest.raises(Problem, match="no token for byte 99 of 'abc'"):
        tokenizer.encode("abc")


def test_no_id_stands_for_two_tokens():
    with pytest.raises(Problem, match="0 is the id of '<x>' and of b'a'; renumber one"):
        Tokenizer({b"a": 0}, {}, [AddedToken("<x>", 0)])


def test_random_cuts_of_a_stream_of_ids():
    """Pushing several ids at once is the same as one after the other."""
    rng = random.Random(9)
    ids = [id for text in CORPUS for id in TOK.encode(text)]
    stream, parts, place = TOK.decode_stream(), [], 0
    while place < len(ids):
        width = rng.randint(1, 9)
        parts.append(stream.push(*ids[place : place + width]))
        place += width
    assert "".join(parts) + stream.flush() == "".join(CORPUS)
