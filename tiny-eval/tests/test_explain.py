"""The explanation agrees with the score that it explains, and shows it on every screen without trusting the text."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiny_eval.explain import explain, in_bags, in_order, in_order_as_sets, in_pairs, in_sets
from tiny_eval.explain_views import as_page, as_text, cells, columns
from tiny_eval.metrics import SCORERS
from tiny_eval.problem import EvalProblem
from tiny_eval.score import Scoring

PRED, ANSWERS = "The cat sat. The dog ran to the cat", ["A bird flew", "the dog sat. Then the cat ran"]
CHINESE, CHINESE_ANSWERS = "天文台建在山上，夜里很冷。", ["天文台在山上。", "夜里很冷"]
TOKENS = st.lists(st.sampled_from("abcd"), max_size=12)


@pytest.fixture
def write(tmp_path):
    def write(pred=PRED, answers=ANSWERS, **fields):
        path = tmp_path / "p.jsonl"
        path.write_text(json.dumps({"id": "x", "pred": pred, "answers": answers} | fields), encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("metric", [name for name in SCORERS if name.startswith(("qa_f1", "rouge"))])
def test_the_overlap_shown_is_the_one_that_was_scored(write, metric):
    path = write(CHINESE, CHINESE_ANSWERS) if "_zh" in metric else write()
    found = explain(path, "x", Scoring(metric))
    assert found.overlap is not None
    assert 100 * found.overlap.f == pytest.approx(found.score, abs=1e-10)
    assert found.score == pytest.approx(max(points for _, points in found.references))
    assert found.references[found.won][1] == found.score
    assert bool(found.dialects) == metric.startswith("rouge")


def test_both_dialects_stand_side_by_side(write):
    found = explain(write(), "x", Scoring("rouge_l_google"))
    for n in "12l":
        for dialect in ("google", "pip"):
            expected = SCORERS[f"rouge_{n}_{dialect}"](PRED, [found.references[found.won][0]])
            assert found.dialects[f"rouge-{n} {dialect}"].f == pytest.approx(expected)
    assert found.dialects["rouge-l google"] != found.dialects["rouge-l pip"]


def test_a_repeated_word_is_marked_as_often_as_the_metric_counts_it(write):
    path = write("dog dog cat", ["dog bird"])
    marked = {name: [mark for _, mark in explain(path, "x", Scoring(name)).tokens_pred]
              for name in ("rouge_1_google", "rouge_1_pip")}  # fmt: skip
    assert marked == {"rouge_1_google": [True, False, False], "rouge_1_pip": [True, True, False]}


def test_the_marks_of_each_way_of_counting():
    ours, theirs = "a b a c".split(), "c a b d".split()
    assert in_bags(ours, theirs) == ([True, True, False, True], [True, True, True, False])
    assert in_sets(ours, theirs) == ([True] * 4, [True, True, True, False])
    assert in_order(ours, theirs) == ([True, True, False, False], [False, True, True, False])
    assert in_order_as_sets(ours, theirs) == ([True, True, True, False], [False, True, True, False])
    assert in_pairs(ours, theirs) == ([True, True, False, False], [False, True, True, False])


@given(TOKENS, TOKENS)
def test_a_bag_marks_as_many_tokens_on_both_sides(ours, theirs):
    here, there = in_bags(ours, theirs)
    assert sum(here) == sum(there)
    assert sorted(t for t, m in zip(ours, here, strict=True) if m) == sorted(
        t for t, m in zip(theirs, there, strict=True) if m
    )


def test_the_alignment_loses_no_token(write):
    found = explain(write(), "x", Scoring("qa_f1"))
    shown = list(columns(found))
    assert [(token, mark) for token, mark, _, _ in shown if token] == found.tokens_pred
    assert [(token, mark) for _, _, token, mark in shown if token] == found.tokens_ref
    assert sum(a == b != "" for a, _, b, _ in shown) == len(found.aligned) > 0


def test_text_with_brackets_and_with_colours(write):
    found = explain(write("Oslo or Bern", ["Rome", "Oslo"]), "x", Scoring("qa_f1"))
    plain, coloured = as_text(found, False), as_text(found, True)
    assert "→ reference 2" in plain
    assert "prediction  [oslo] or bern" in plain
    assert "precision 0.3333   recall 1.0000   F 0.5000" in plain
    assert "\x1b[32moslo\x1b[0m" in coloured
    assert "[oslo]" not in coloured
    assert "\x1b" not in plain


def test_chinese_stands_in_columns(write):
    text = as_text(explain(write(CHINESE, CHINESE_ANSWERS), "x", Scoring("qa_f1_zh")), False)
    above, below = (next(line for line in text.splitlines() if line.startswith(row)) for row in ("pred", "ref"))
    assert "[天文台]" in above
    assert cells(above[: above.index("[山上]")]) == cells(below[: below.index("[山上]")])


def test_an_escape_sequence_of_a_prediction_does_not_reach_the_terminal(write):
    text = as_text(explain(write("\x1b]0;owned\x07 ok", ["ok"]), "x", Scoring("rouge_1_pip")), True)
    assert "\x1b]" not in text
    assert "\x07" not in text


def test_a_long_row_is_cut_on_screen_only(write):
    found = explain(write("w " * 500, ["w " * 500]), "x", Scoring("qa_f1"))
    assert "200 columns more" in as_text(found, False)
    assert as_page(found).count('class="pair"') == 500


def test_the_page_is_whole_and_trusts_no_text(write):
    found = explain(write("<script>alert(1)</script> dog", ["the <b>dog</b>"]), "x", Scoring("rouge_l_pip"))
    page = as_page(found)
    tags = re.findall(r"<[^>]*>", page)
    assert {"<h1>", "<table>"} <= set(tags)
    assert not any(re.match("<(script|b>dog|link|img)", tag) or "src=" in tag or "href=" in tag for tag in tags)
    assert "&lt;b&gt;dog" in page
    assert "rouge-2 google" in page
    assert f"{found.score:.2f}" in page


def test_what_was_cut_or_extracted_is_shown(write):
    path = write("Let me see.\n#### 42\nBye", ["42"])
    found = explain(path, "x", Scoring("exact_match", extractor="hash"))
    assert (found.score, found.scored_text, found.fired) == (100, "42", "hash")
    assert "scored text (found by hash): 42" in as_text(found, False)
    found = explain(write("42\nNext", ["42"]), "x", Scoring("exact_match", first_line=True))
    assert "scored text (cut): 42" in as_text(found, False)


def test_a_row_that_was_not_measured_says_so(write):
    found = explain(write(None), "x", Scoring("qa_f1"))
    assert (found.score, found.reason) == (None, "error")
    assert "not measured (error)" in as_text(found, False)
    assert "not measured (error)" in as_page(found)


def test_several_answers_of_the_gaokao_are_one_key(write):
    found = explain(write("答案是 A", ["A", "C"]), "x", Scoring("gaokao_choice"))
    assert found.score == 50
    assert found.references == [("AC", 50)]


def test_an_unknown_id_gets_a_suggestion(write):
    with pytest.raises(EvalProblem, match="has the id 'y'; they run from x to x"):
        explain(write(), "y", Scoring("qa_f1"))
    with pytest.raises(EvalProblem, match="did you mean q-0012"):
        explain(write(id="q-0012"), "q-012", Scoring("qa_f1"))


def test_a_corpus_metric_explains_no_row(write):
    with pytest.raises(EvalProblem, match="explain it by chrf_sentence"):
        explain(write(), "x", Scoring("chrf"))
