"""The cuts are those of the `tokenizers` library, whatever the pattern; nothing of a text is lost."""

from collections import Counter
from inspect import signature

import pytest
from hypothesis import example, given
from tokenizers import Regex, pre_tokenizers
from transformers.convert_slow_tokenizer import TikTokenConverter

from random_texts import SENTENCES, assigned_text, random_texts
from tiny_llama3 import pretokenize, text_input
from tiny_llama3.pretokenize import LLAMA3_PATTERN, PreTokenizer, count_pretokens
from tiny_llama3.problem import Problem
from tiny_llama3.tokenizer_json import GPT2_PATTERN

LLAMA3 = PreTokenizer()


def library_split(pattern, text):
    return [piece for piece, _ in pre_tokenizers.Split(Regex(pattern), "isolated").pre_tokenize_str(text)]


def test_the_pattern_is_llama3s():
    assert signature(TikTokenConverter).parameters["pattern"].default == LLAMA3_PATTERN


def test_by_hand():
    assert list(LLAMA3.split("They'll come in 2024!")) == ["They", "'ll", " come", " in", " ", "202", "4", "!"]
    assert list(LLAMA3.split("a  b\n\n c")) == ["a", " ", " b", "\n\n", " c"]
    assert list(LLAMA3.split("")) == []


def test_llama3s_cuts_equal_the_library_on_random_texts():
    texts = [*SENTENCES, *random_texts(3000, seed=1)]
    assert len(set(texts)) > 2800
    for text in texts:
        assert list(LLAMA3.split(text)) == library_split(LLAMA3_PATTERN, text)


@given(assigned_text())
@example("'S 'ſ 'LL")
@example("\x1c\x1f\x85\u200b a")
def test_llama3s_cuts_equal_the_library(text):
    pieces = list(LLAMA3.split(text))
    assert pieces == library_split(LLAMA3_PATTERN, text)
    assert "".join(pieces) == text


PATTERNS = [r"\s+$", r"^a", r"a*", r"a+|", r"[a-z&&[^b]]+", r" ?[^(\s|[.,!?。，])]+", r"(a)(b)?", r"(?i)straße|é",
            r"\p{Han}+", r".", r"(?<=b)a", r"\d+", r"[[:alpha:]]+", r"\p{N}", "x", GPT2_PATTERN]  # fmt: skip
TRICKY = [
    "",
    "a  \n b  ",
    "a\nab\na",
    "bab",
    "aab b",
    "É STRASSE ẞ",
    "中文ab中。x",
    "x\r\ny\n",
    "１２3",
    "Is it (a|b)? Yes, x!",
]


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("long", [False, True])
def test_any_pattern_cuts_as_the_library_does(pattern, long, monkeypatch):
    if long:  # the way of very long texts, match by match
        monkeypatch.setattr(pretokenize, "LONG_TEXT", 0)
    cutter = PreTokenizer([pattern])
    for text in [*TRICKY, *SENTENCES, *random_texts(100, seed=2)]:
        assert list(cutter.split(text)) == library_split(pattern, text)


def test_several_patterns_cut_one_after_the_other():
    patterns = [r"\p{N}{1,3}", r"[一-龥]+", r"[!-/]", r"\s?\p{L}+"]
    theirs = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in patterns])
    cutter = PreTokenizer(patterns)
    for text in [*SENTENCES, *random_texts(300, seed=3)]:
        assert list(cutter.split(text)) == [piece for piece, _ in theirs.pre_tokenize_str(text)]


def test_no_pattern_prefix_space_and_normal_form():
    assert list(PreTokenizer(()).split("a b")) == ["a b"]
    spaced = PreTokenizer([GPT2_PATTERN], add_prefix_space=True)
    assert [list(spaced.split(text)) for text in ("a", " a", "")] == [[" a"], [" a"], []]
    assert PreTokenizer(normal_form="NFC").normalize("e\u0301") == "é"
    assert PreTokenizer().normalize("e\u0301") == "e\u0301"


@pytest.mark.parametrize("pattern", [r"\w+", r"\bx", r"\h", r"\p{N}{1,3}+", r"(?m:.)", r"(?is)a"])
def test_refuses_what_the_library_takes_otherwise(pattern):
    with pytest.raises(Problem, match="takes otherwise"):
        PreTokenizer([pattern])


def test_a_backslash_before_a_w_is_no_class():
    text = r"a\w\w"
    assert list(PreTokenizer([r"\\w"]).split(text)) == library_split(r"\\w", text) == ["a", r"\w", r"\w"]


def test_refuses_what_is_no_regular_expression():
    with pytest.raises(Problem, match="no regular expression"):
        PreTokenizer(["(a"])


def test_counts():
    assert count_pretokens(["the cat", "the the"], LLAMA3) == Counter({"the": 2, " cat": 1, " the": 1})
    assert count_pretokens(["e\u0301 é"], PreTokenizer(normal_form="NFC")) == {"é": 1, " é": 1}


def test_counts_over_processes_are_the_same(monkeypatch):
    monkeypatch.setattr(text_input, "BATCH", 500)
    texts = [*SENTENCES, *random_texts(200, seed=4)]
    one = count_pretokens(iter(texts), LLAMA3)
    assert one == count_pretokens(iter(texts), LLAMA3, processes=2)
    assert sum(one.values()) == sum(len(list(LLAMA3.split(text))) for text in texts)


def test_texts_may_be_a_stream(monkeypatch):
    """A text is counted before many more are asked for: a stream larger than memory is no trouble."""
    asked: list[int] = []
    ahead: list[int] = []

    def stream():
        for number in range(100):
            asked.append(number)
            yield "some words"

    def counted(_, texts):
        ahead.append(len(asked) - len(ahead))
        return Counter(texts)

    monkeypatch.setattr(text_input, "BATCH", 1)
    monkeypatch.setattr(pretokenize, "_count", counted)
    assert count_pretokens(stream(), LLAMA3) == {"some words": 100}
    assert len(ahead) == 100 and max(ahead) <= 2


def test_batches():
    assert [len(batch) for batch in text_input.in_batches(["a" * 400_000] * 7)] == [3, 3, 1]
    assert list(text_input.in_batches([])) == []


def test_refuses_what_is_no_list_of_texts():
    with pytest.raises(Problem, match=r"give \[text\]"):
        count_pretokens("one text", LLAMA3)
    with pytest.raises(Problem, match=r"lone surrogate, U\+D83D, at character 3"):
        count_pretokens(["fine", "ab \ud83d"], LLAMA3)
    with pytest.raises(Problem, match="processes must be 1 or more"):
        count_pretokens(["a"], LLAMA3, processes=0)
