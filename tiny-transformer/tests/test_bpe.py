"""Byte-pair encoding: the `tokenizers` library cuts alike, a slow version learns the same, and no text is lost."""

import json
import random
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, models, pre_tokenizers

from tiny_transformer.bpe import BPE, FIRST_BYTE, FIRST_MERGE, PIECE
from tiny_transformer.problem import Problem
from tiny_transformer.tasks.task import vocabulary_from_json

CORPUS = [
    "the cat sat on the mat, and the cats that sat there sang a sad song.",
    "Ein Hund läuft über die grüne Wiese; zwei Hunde laufen über die Straße!",
    "一只猫坐在垫子上。一只狗坐在猫的旁边，猫很生气。",
    "In 1999 and 2004 there were 12 cats, 1,200 dogs (and 7 hats) - 50% of them _red_...",
    "  two  spaces\tand a tab\nand a line  ",
] * 3


def slow_training(texts, vocab_size):
    """Count all pairs anew for every merge; of equally frequent pairs the smallest is joined."""
    pieces = [[FIRST_BYTE + byte for byte in piece.encode()] for text in texts for piece in PIECE.findall(text)]
    merges: list[tuple[int, int]] = []
    while FIRST_MERGE + len(merges) < vocab_size:
        counts = Counter(pair for piece in pieces for pair in pairwise(piece))
        often, best = min(((-count, pair) for pair, count in counts.items()), default=(0, (0, 0)))
        if -often < 2:
            break
        symbol = FIRST_MERGE + len(merges)
        merges.append(best)
        for piece in pieces:
            place = 0
            while place < len(piece) - 1:
                if (piece[place], piece[place + 1]) == best:
                    piece[place : place + 2] = [symbol]
                place += 1
    return merges


@given(st.lists(st.text("aab c1é", max_size=30), max_size=6), st.integers(FIRST_MERGE, FIRST_MERGE + 30))
@example(["aaaa aaa aaaaa"], FIRST_MERGE + 10)
@example(["abab ababab bababa"], FIRST_MERGE + 10)
def test_training_equals_the_slow_version(texts, vocab_size):
    assert BPE.train(texts, vocab_size).merges == slow_training(texts, vocab_size)


def test_training_equals_the_slow_version_on_sentences():
    merges = BPE.train(CORPUS, FIRST_MERGE + 150).merges
    assert len(merges) == 150
    assert merges == slow_training(CORPUS, FIRST_MERGE + 150)


def test_first_merges_by_hand():
    """ "low" three times, "lot" once, "slow" twice: lo 6 times, then low 5; " l" 4 times is behind them."""
    bpe = BPE.train(["low low low lot slow slow"], FIRST_MERGE + 2)
    assert bpe.tokens([FIRST_MERGE, FIRST_MERGE + 1]) == ["lo", "low"]
    assert bpe.tokens(bpe.encode("slow lot")) == ["s", "low", " ", "lo", "t"]


def byte_letters():
    """The letter that stands for each byte in the byte-level files of GPT-2 and of `tokenizers`."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + n) for n, byte in enumerate(others)}


def library_twin(bpe):
    """The same merges and numbers in the `tokenizers` library, behind the same regular expression."""
    letters = byte_letters()
    names = ["".join(letters[byte] for byte in symbol) for symbol in bpe.bytes_of]
    names[:FIRST_BYTE] = ["<pad>", "<bos>", "<eos>"]
    assert len(set(names)) == len(names)
    merges = [(names[first], names[second]) for first, second in bpe.merges]
    tokenizer = Tokenizer(models.BPE({name: number for number, name in enumerate(names)}, merges))
    pattern = PIECE.pattern.replace("|.", "|(?m:.)")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])  # fmt: skip
    return tokenizer


BPE_OF_CORPUS = BPE.train(CORPUS, FIRST_MERGE + 120)
TWIN = library_twin(BPE_OF_CORPUS)
# letters, digits, signs and spaces that both regular expression engines put into the same class
ALIKE = st.characters(codec="utf-8", categories=["Lu", "Ll", "Lo", "Nd", "Pd", "Ps", "Pe", "Po", "Sc", "Sm", "Zs"],
                      max_codepoint=0xFFFF, include_characters="_\n\t\r\u2028\U0001f600")  # fmt: skip
TEXT = st.one_of(
    st.text(ALIKE, max_size=40),
    st.lists(
        st.sampled_from("the cat sat on hats; über Straße 猫坐在 1,200 _ \n ... sang".split(" ")), max_size=20
    ).map(" ".join),
)


@given(TEXT)
@example("a" * 95 + "." * 95 + " " * 95 + "the" * 30)
def test_encoding_equals_the_tokenizers_library(text):
    assert BPE_OF_CORPUS.encode(text) == TWIN.encode(text).ids


@given(st.text(st.characters(codec="utf-8"), max_size=60))
@example("\x00\x1c\x85\ufeff\u200d👨‍👩‍👧 e\u0301 ½ Ⅷ ²")
def test_decode_undoes_encode(text):
    ids = BPE_OF_CORPUS.encode(text)
    assert BPE_OF_CORPUS.decode(ids) == text
    assert all(FIRST_BYTE <= symbol < BPE_OF_CORPUS.size for symbol in ids)


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_pieces_cover_every_text(text):
    assert "".join(PIECE.findall(text)) == text


def test_a_long_text_without_spaces_is_cut_all_the_same():
    text = "".join(random.Random(0).choices("abcdefgh", k=20_000))
    assert max(map(len, PIECE.findall(text))) == 40
    assert BPE_OF_CORPUS.decode(BPE_OF_CORPUS.encode(text)) == text


def test_what_has_no_utf8_and_what_is_no_utf8():
    assert BPE_OF_CORPUS.decode(BPE_OF_CORPUS.encode("a\ud800b")) == "a?b"
    assert BPE([]).decode([FIRST_BYTE + 0xE7, FIRST_BYTE + ord("x")]) == "\ufffdx"


def test_special_symbols_are_no_text():
    assert BPE_OF_CORPUS.decode([1, *BPE_OF_CORPUS.encode("cat"), 2, 0, 0]) == "cat"


def test_json_and_back():
    data = json.loads(json.dumps(BPE_OF_CORPUS.as_json()))
    again = vocabulary_from_json(data)
    assert isinstance(again, BPE) and again.bytes_of == BPE_OF_CORPUS.bytes_of and again.size == FIRST_MERGE + 120
    assert all(again.encode(text) == BPE_OF_CORPUS.encode(text) for text in CORPUS)


def test_tick_counts_the_merges():
    ticks = []
    bpe = BPE.train(["aa aa aa"], FIRST_MERGE + 50, lambda: ticks.append(1))
    assert len(ticks) == len(bpe.merges) == 2  # "aa", " aa"; then no pair occurs twice


def test_refuses_nonsense():
    with pytest.raises(Problem, match=r"vocab_size must be 259 or more, for the bytes \(got 258\)"):
        BPE.train(["a"], 258)
    for merge in ((2, 3), (3, FIRST_MERGE), (FIRST_MERGE + 1, 3)):
        with pytest.raises(ValueError, match="not there yet"):
            BPE([merge])
