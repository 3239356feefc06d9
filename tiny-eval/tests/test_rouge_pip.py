"""The dialect of `rouge` 1.0.1 against the package itself, and LongBench's zeros around it."""

import random
import subprocess
import sys
from contextlib import contextmanager

import jieba
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge import Rouge
from rouge.rouge_score import _lcs

from pairs import pairs
from tiny_eval.metrics import SCORERS
from tiny_eval.metrics.lcs import lcs_positions
from tiny_eval.metrics.rouge_pip import (
    STEPS_OF_LONGBENCH,
    STEPS_OF_LONGBENCH_ZH,
    rouge_l,
    rouge_n,
    sentences,
    steps,
)

KINDS = {"rouge_1": "rouge-1", "rouge_2": "rouge-2", "rouge_l": "rouge-l"}
some_text = st.lists(st.sampled_from([*"ab .\nA1,é。", "the ", "cat. ", "..", "图书馆"]), max_size=50).map("".join)

# LongBench's nesting when the package is called: the script, its loop over rows, the metric (for Chinese two of them).
NESTED_AS_LONGBENCH = """
from rouge import Rouge

def english(pred, answer):
    try:
        scores = Rouge().get_scores([pred], [answer], avg=True)
    except Exception:
        return 0.0
    return scores["rouge-l"]["f"]

def chinese(pred, answer):
    return english(pred, answer)

def evaluate(metric, pred, answer):
    return metric(pred, answer)

def words(n, letter):
    return " ".join(f"{letter}{i}" for i in range(n))

for n in (989, 990, 991):
    print(n, evaluate(english, words(n, "a"), words(n, "a")) > 0, evaluate(chinese, words(n, "a"), words(n, "a")) > 0)
"""


@contextmanager
def deep_recursion():
    """Room for the package's recursion, so that what is compared is its definition."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def reference(pred, answer):
    """F of each kind as LongBench takes them from the package: all 0 if it raises an error."""
    try:
        return {kind: values["f"] for kind, values in Rouge().get_scores([pred], [answer], avg=True).items()}
    except ValueError:  # "Hypothesis is empty", "Reference is empty"
        return dict.fromkeys(KINDS.values(), 0.0)


def assert_equal(pred, answer):
    theirs = reference(pred, answer)
    ours = {kind: SCORERS[f"{name}_pip"](pred, [answer]) for name, kind in KINDS.items()}
    assert ours == pytest.approx(theirs, abs=1e-9), (pred, answer)


def test_5000_pairs_score_as_in_the_package():
    with deep_recursion():
        for pred, answer in pairs(5_000, seed=21, long_every=200, long=400):
            assert_equal(pred, answer)


def test_5000_pairs_score_as_in_longbench_in_chinese():
    with deep_recursion():
        for pred, answer in pairs(5_000, seed=22, long_every=500, long=150):
            theirs = reference(" ".join(jieba.cut(pred)), " ".join(jieba.cut(answer)))
            ours = {kind: SCORERS[f"{name}_zh_pip"](pred, [answer]) for name, kind in KINDS.items()}
            assert ours == pytest.approx(theirs, abs=1e-9), (pred, answer)


@given(some_text, some_text)
def test_any_pair_scores_as_in_the_package(pred, answer):
    assert_equal(pred, answer)
    assert SCORERS["rouge_l_pip"](pred, [answer], compat=True) == SCORERS["rouge_l_pip"](pred, [answer])


def test_precision_and_recall_too():
    for pred, answer in pairs(1_000, seed=23, long=60):
        ours, theirs = sentences(pred), sentences(answer)
        if not ours or not theirs:
            continue
        scores = Rouge().get_scores(pred, answer)[0]
        for values, kind in ((rouge_n(ours, theirs, 1), "rouge-1"), (rouge_n(ours, theirs, 2), "rouge-2"),
                             (rouge_l(ours, theirs), "rouge-l")):  # fmt: skip
            assert values == pytest.approx([scores[kind][part] for part in "prf"], abs=1e-9), (pred, answer)


def test_very_long_texts_that_the_package_can_only_read_with_a_higher_limit():
    rng = random.Random(24)
    pred, answer = (" ".join(rng.choices("abcdefghijkl", k=length)) + "." for length in (1_000, 700))
    with pytest.raises(RecursionError):
        reference(pred, answer)
    assert SCORERS["rouge_l_pip"](pred, [answer], compat=True) == 0
    with deep_recursion():
        assert_equal(pred, answer)


def test_the_example_by_hand():
    pred, answers = "the cat saw the dog", ["the dog saw the cat"]
    scores = [SCORERS[f"{kind}_pip"](pred, answers) for kind in KINDS]
    assert scores == pytest.approx([1, 3 / 4, 2 / 4], abs=1e-7)
    assert SCORERS["rouge_l_pip"]("cat", ["cat"]) == pytest.approx(0.999999995, abs=1e-12)


@pytest.mark.parametrize("empty", ["", ".", "...."])
@pytest.mark.parametrize("name", ["rouge_1_pip", "rouge_2_pip", "rouge_l_pip", "rouge_l_zh_pip"])
def test_a_text_without_a_sentence_gets_0_where_the_package_raises_an_error(name, empty):
    with pytest.raises(ValueError, match="is empty"):
        Rouge().get_scores(empty, "a cat")
    with pytest.raises(ValueError, match="is empty"):
        Rouge().get_scores("a cat", empty)
    assert SCORERS[name](empty, ["a cat"]) == SCORERS[name]("a cat", [empty]) == SCORERS[name](empty, [empty]) == 0


def test_every_full_stop_ends_a_sentence_and_white_space_is_an_empty_word():
    assert sentences("It costs 3.5 euros. ") == [["It", "costs", "3"], ["5", "euros"], [""]]
    assert sentences("..a.") == [["a"]]


def test_compat_overflows_exactly_where_longbench_does():
    done = subprocess.run([sys.executable, "-c", NESTED_AS_LONGBENCH], capture_output=True, text=True, check=True)
    rows = [line.split() for line in done.stdout.splitlines()]
    assert {value for row in rows for value in row[1:]} == {"True", "False"}
    for n, english, chinese in rows:
        text = " ".join(f"a{i}" for i in range(int(n)))
        assert (SCORERS["rouge_l_pip"](text, [text], compat=True) > 0) == (english == "True"), n
        assert (rouge_l(sentences(text), sentences(text), STEPS_OF_LONGBENCH_ZH).f > 0) == (chinese == "True"), n
        assert SCORERS["rouge_l_pip"](text, [text]) == pytest.approx(1)


def test_in_chinese_the_words_of_jieba_count_as_steps():
    just, over = "图书馆" * STEPS_OF_LONGBENCH_ZH, "图书馆" * (STEPS_OF_LONGBENCH_ZH + 1)
    assert SCORERS["rouge_l_zh_pip"](just, [just], compat=True) == pytest.approx(1)
    assert SCORERS["rouge_l_zh_pip"](over, [over], compat=True) == 0
    assert SCORERS["rouge_l_zh_pip"](over, [over]) == pytest.approx(1)


def test_steps_are_the_calls_of_the_package():
    """Counted on the way back through the table that the package fills."""
    for a, b in [
        ("a b c", "a b c"),
        ("a b c d", "x y"),
        ("x a y", "a z z"),
        ("b a", "c d a"),
        ("a", "a b c d"),
        ("a b", "b c"),
    ]:
        [ours], [theirs] = sentences(a), sentences(b)
        assert steps(len(ours), len(theirs), lcs_positions(ours, theirs)) == walked(theirs, ours), (a, b)
    assert STEPS_OF_LONGBENCH - STEPS_OF_LONGBENCH_ZH == 1


def walked(x, y):
    """Steps back through the package's table (x: reference), by its rules."""
    table, (i, j), count = _lcs(x, y), (len(x), len(y)), 0
    while i and j:
        count += 1
        if x[i - 1] == y[j - 1]:
            i, j = i - 1, j - 1
        elif table[i - 1, j] > table[i, j - 1]:
            i -= 1
        else:
            j -= 1
    return count
