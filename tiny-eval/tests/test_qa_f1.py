"""Token F1 and exact match against LongBench's definitions, written down here a second time from their description."""

import re
import unicodedata
from collections import Counter

import jieba
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairs import pairs
from tiny_eval.metrics import SCORERS
from tiny_eval.metrics.words_zh import cut, normalized, words

ASCII_PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
CHINESE_PUNCTUATION = (
    "–—‘’‛“”„‟…‧、。〃》「」『』【】〔〕〖〗〘〙〚〛〜〝〞〟〰〾〿﹏"
    "！＂＃＄％＆＇（）＊＋，－／：；＜＝＞？＠［＼］＾＿｀｛｜｝～｟｠｡｢｣､"
)
some_text = st.lists(st.sampled_from([*"abB .,!\n的 ", "the ", "An", "图书馆", "，", "《", "》", "…", "ｅ"])).map(
    "".join
)


def english_words(text):
    kept = "".join(character for character in text.lower() if character not in ASCII_PUNCTUATION)
    return re.sub(r"\b(the|an|a)\b", " ", kept).split()


def chinese_words(text):
    found = []
    for word in jieba.lcut(text):
        kept = (character for character in word.lower() if character not in ASCII_PUNCTUATION + CHINESE_PUNCTUATION)
        found.append("".join("".join(kept).split()))
    return [word for word in found if word]


def reference_f1(predicted, expected):
    left, common = Counter(expected), 0
    for word in predicted:
        if left[word] > 0:
            left[word] -= 1
            common += 1
    if common == 0:
        return 0.0
    precision, recall = common / len(predicted), common / len(expected)
    return 2 * precision * recall / (precision + recall)


def assert_equal(pred, answer):
    english, chinese = (english_words(pred), english_words(answer)), (chinese_words(pred), chinese_words(answer))
    assert SCORERS["qa_f1"](pred, [answer]) == pytest.approx(reference_f1(*english), abs=1e-9), (pred, answer)
    assert SCORERS["qa_f1_zh"](pred, [answer]) == pytest.approx(reference_f1(*chinese), abs=1e-9), (pred, answer)
    assert SCORERS["exact_match"](pred, [answer]) == (english[0] == english[1]), (pred, answer)


def test_5000_pairs_score_as_in_longbench():
    for pred, answer in pairs(5_000, seed=31, long=1_000):
        assert_equal(pred, answer)


@given(some_text, some_text)
def test_any_pair_scores_as_in_longbench(pred, answer):
    assert_equal(pred, answer)


def test_the_example_by_hand():
    pred, answers = "The cat sat on the mat", ["A cat on a mat"]
    assert SCORERS["qa_f1"](pred, answers) == pytest.approx(2 * 0.75 * 1 / 1.75)
    assert SCORERS["exact_match"](pred, answers) == 0
    assert SCORERS["exact_match"](" the CAT, on mat!", answers) == 1


def test_english_loses_its_punctuation_before_it_is_split_and_chinese_after():
    assert SCORERS["qa_f1"]("well-known", ["wellknown"]) == 1
    assert SCORERS["qa_f1"]("well-known", ["well known"]) == 0
    assert words("图书馆在北边，真的！") == ["图书馆", "在", "北边", "真的"]
    assert SCORERS["qa_f1_zh"]("well-known", ["well known"]) == 1


def test_an_empty_answer_gets_nothing():
    for name in ("qa_f1", "qa_f1_zh"):
        for pred in ("", " ", "...", "，。"):
            assert SCORERS[name](pred, ["Paris 巴黎"]) == SCORERS[name](pred, [""]) == 0
    assert SCORERS["exact_match"]("", ["Paris"]) == SCORERS["exact_match_zh"]("", ["巴黎"]) == 0


def test_the_best_reference_counts():
    assert SCORERS["qa_f1"]("Marie Curie", ["Pierre Curie", "Curie", "Marie Curie"]) == 1
    assert SCORERS["qa_f1"]("Marie Curie", ["Pierre Curie", "Curie"]) == pytest.approx(2 / 3)


def test_chinese_exact_match_ignores_punctuation_spaces_and_case():
    assert SCORERS["exact_match_zh"]("“图书馆”在 ABC，对吗？", ["图书馆在abc对吗"]) == 1
    assert SCORERS["exact_match_zh"]("图书馆在", ["在图书馆"]) == 0


def test_exactly_longbench_s_punctuation_is_deleted():
    for code in range(0x110000):
        character = chr(code)
        deleted = normalized(character) == ""
        if character in ASCII_PUNCTUATION + CHINESE_PUNCTUATION:
            assert deleted, character
        else:
            assert deleted == character.isspace(), (hex(code), unicodedata.name(character, "?"))


@given(st.text())
def test_jieba_loses_no_character_and_cuts_as_its_default_tokenizer(text):
    assert "".join(cut(text)) == text
    assert cut(text) == jieba.lcut(text)
