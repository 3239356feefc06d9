"""The steps that are shown lead to the ids of `encode`, and every step can be checked by eye."""

from random_texts import SENTENCES, random_texts
from test_tokenizer_files import KINDS, UNREACHED, rank_file
from tiny_llama3.show_merges import Merged, Step, format_merges, readable, show_merges
from tiny_llama3.tokenizer import Tokenizer
from tiny_llama3.tokenizer_files import from_ranks
from tiny_llama3.tokenizer_json import from_json

TOK = Tokenizer.train(["the cat sat on the mat, the cats that sat there: 猫坐在垫子上"], 285)
OTHER = KINDS["a space before"]()
OTHER.add_tokens(["<tool>"])


def test_by_hand():
    the = show_merges(TOK, "the")
    assert [TOK.token_bytes(256), TOK.token_bytes(257)] == [b"at", b"th"]
    assert the == [
        Merged(
            "the",
            (b"t", b"h", b"e"),
            (Step(b"t", b"h", 1, (b"th", b"e")), Step(b"th", b"e", TOK.vocab[b"the"] - 256, (b"the",))),
            (TOK.vocab[b"the"],),
        )
    ]


def test_the_ids_are_those_of_encode():
    other, ranked = from_json(OTHER.to_str().encode()), from_ranks(rank_file(UNREACHED))
    for tokenizer in (TOK, other, ranked):
        for text in [*SENTENCES, "a<tool>b", "猫狗鸟 zqxj zqx", "<|eot_id|>", "", *random_texts(200, seed=12)]:
            shown = show_merges(tokenizer, text)
            assert [id for merged in shown for id in merged.ids] == tokenizer.encode(text)
            for merged in shown:
                pieces = merged.start
                for step in merged.steps:
                    assert len(step.pieces) == len(pieces) - 1
                    assert step.left + step.right in step.pieces
                    assert b"".join(step.pieces) == b"".join(pieces) == merged.pretoken.encode()
                    pieces = step.pieces
                assert len(merged.ids) == len(pieces)


def test_special_tokens_and_whole_tokens_have_no_steps():
    assert show_merges(TOK, "<|eot_id|>", allowed_special="all") == [
        Merged("<|eot_id|>", (b"<|eot_id|>",), (), (TOK.special["<|eot_id|>"],))
    ]
    assert len(show_merges(TOK, "<|eot_id|>")) > 1
    (whole,) = show_merges(from_ranks(rank_file(UNREACHED)), "猫狗鸟")
    assert whole.steps == () and whole.ids == (1200,)


def test_as_text():
    text = format_merges(show_merges(TOK, "cats 猫\n<|eot_id|>", allowed_special="all"))
    assert text == (
        "cats\n  c|a|t|s  bytes\n  c|at|s   rank 0: a + t\n  cat|s    rank 4: c + at\n  -> 260 82\n\n"
        "␣猫\n  ␣|<E7>|<8C>|<AB>  bytes\n  ␣|<E7><8C>|<AB>   rank 16: <E7> + <8C>\n"
        "  ␣<E7><8C>|<AB>    rank 19: ␣ + <E7><8C>\n  -> 275 104\n\n"
        "⏎\n  ⏎\n  -> 198\n\n<|eot_id|>\n  <|eot_id|>\n  -> 291"
    )
    assert format_merges([]) == ""


def test_readable():
    assert (
        readable([b"a b", "猫".encode(), b"\xe7a", b"\t\x00", "\u200b".encode()]) == "a␣b|猫|<E7>a|⇥<U+0000>|<U+200B>"
    )
