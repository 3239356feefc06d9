"""The audit: what each extractor leaves unparsed, and how far the score moves."""

import json

import pytest

from tiny_eval.audit import AS_IT_IS, audit
from tiny_eval.problem import EvalProblem
from tiny_eval.score import Scoring, score_file

TEXTS = [
    ("The answer is B.", "B"),
    ("A is tempting, but no.\nB", "B"),
    ("\\boxed{B}", "B"),
    ("I can't say.", "B"),
    ("<think>The answer is B", "B"),
]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "p.jsonl"
    rows = [json.dumps({"pred": pred, "answers": [answer]}) + "\n" for pred, answer in TEXTS]
    path.write_text("".join(rows), encoding="utf-8")
    return path


def test_each_extractor_gives_its_own_range(path):
    found = audit(path, Scoring("choice"), ["answer_is", "boxed", "choice"])
    by_name = {reading.extractor: reading for reading in found.readings}
    assert list(by_name) == [AS_IT_IS, "answer_is", "boxed", "choice"]
    assert (by_name["boxed"].score, by_name["boxed"].low, by_name["boxed"].high) == (100, 20, 100)
    assert (by_name["boxed"].unparsed, by_name["boxed"].unparsed_rate) == (3, 0.6)
    assert by_name["boxed"].not_measured == 4  # one was cut off inside its reasoning
    assert by_name["choice"].fired == {"answer_is": 1, "letter_line": 1, "boxed": 1}
    assert (by_name[AS_IT_IS].low, by_name[AS_IT_IS].high) == (60, 80)
    assert found.n == 5
    assert found.spread == pytest.approx(60 - 20)


def test_a_reading_is_what_score_gives_with_that_extractor(path):
    for reading in audit(path, Scoring("choice")).readings[1:]:
        scored = score_file(path, "choice", extractor=reading.extractor)
        assert (reading.score, reading.low, reading.high) == (scored.score, scored.low, scored.high)
        assert reading.not_measured == scored.not_measured


@pytest.mark.parametrize(
    ("metric", "there", "not_there"), [("choice", "last_letter", "hash"), ("numeric", "hash", "last_letter"),
                                       ("exact_match", "text", "last_letter")]
)  # fmt: skip
def test_only_what_fits_the_metric_is_tried(tmp_path, metric, there, not_there):
    path = tmp_path / "n.jsonl"
    path.write_text('{"pred": "3", "answers": ["3"]}', encoding="utf-8")
    if metric == "choice":
        path.write_text('{"pred": "B", "answers": ["B"]}', encoding="utf-8")
    names = [reading.extractor for reading in audit(path, Scoring(metric)).readings]
    assert there in names
    assert not_there not in names


def test_an_extractor_that_finds_nothing_is_listed_but_moves_no_score(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_text('{"pred": "Oslo", "answers": ["Oslo"]}\n{"pred": "Rome", "answers": ["Bern"]}', encoding="utf-8")
    found = audit(path, Scoring("qa_f1"))
    by_name = {reading.extractor: reading for reading in found.readings}
    assert (by_name["answer_is"].score, by_name["answer_is"].unparsed_rate) == (None, 1)
    assert (by_name["whole"].score, by_name[AS_IT_IS].score) == (50, 50)
    assert found.spread == 0
    assert audit(path, Scoring("qa_f1"), ["boxed", "hash"]).spread is None  # nothing but the text as it is


def test_nothing_to_audit(tmp_path):
    path = tmp_path / "p.jsonl"
    path.touch()
    with pytest.raises(EvalProblem, match="holds no rows"):
        audit(path, Scoring("choice"))
