"""The doctor finds what was broken on purpose, and nothing in what is whole."""

import json
import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiny_eval.claimed import check_claim, is_claim, read_claim
from tiny_eval.doctor import common_prefixes, examine, missing_numbers, run_starts
from tiny_eval.problem import EvalProblem
from tiny_eval.score import Scoring, score_file

SAMPLE = Path(__file__).resolve().parents[1] / "sample"


@pytest.fixture
def write(tmp_path):
    def write(rows, name="p.jsonl", tail=""):
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows) + tail, encoding="utf-8")
        return path

    return write


def rows(n, **fields):
    return [{"pred": f"word {i}", "answers": [f"answer {i}"], "length": 7 * i} | fields for i in range(n)]


def kinds(path, serious=True):
    return {finding.kind for finding in examine(path).findings if finding.serious == serious}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("heron.jsonl", set()),
        ("wren.jsonl", set()),
        ("broken/twice.jsonl", {"concatenated"}),
        ("broken/resumed.jsonl", {"concatenated"}),
        ("broken/cut.jsonl", {"unreadable"}),
        ("broken/empty.jsonl", {"empty"}),
        ("broken/drifted.jsonl", {"same id", "other prediction", "drift"}),
        ("broken/failed.jsonl", {"error", "truncated", "unclosed thought"}),
    ],
)
def test_each_sample_has_the_fault_that_it_was_made_with(name, expected):
    assert kinds(SAMPLE / name) == expected


def test_a_second_run_with_other_answers_is_found_by_its_questions(write):
    second = [row | {"pred": "other"} for row in rows(30)]
    report = examine(write(rows(30) + second))
    (found,) = report.findings
    assert found.kind == "concatenated"
    assert "2 runs follow each other, of 30, 30 rows" in found.message
    assert "row 31" in found.message
    assert "--dedupe" not in found.message  # no copies to drop
    assert [place.rpartition(":")[2] for place in found.places] == ["31"]


def test_copies_are_said_once(write):
    (whole,) = examine(write(rows(30) + rows(30))).findings
    assert (whole.kind, "--dedupe, which drops 30 rows as copies" in whole.message) == ("concatenated", True)
    (single,) = examine(write([*rows(30), rows(30)[7]])).findings
    assert (single.kind, [place.rpartition(":")[2] for place in single.places]) == ("copy", ["31"])
    both = examine(write([*rows(20), rows(20)[3], *rows(20)])).findings  # a copy in the first run, then a second run
    assert {finding.kind: [place.rpartition(":")[2] for place in finding.places] for finding in both} == {
        "concatenated": ["22"],
        "copy": ["21"],
    }
    assert "drops 20 rows" in both[0].message


def test_every_place_is_a_file_and_a_line(write):
    drifted = [row | {"id": f"{{{i % 20}}}", "answers": [str(i)]} for i, row in enumerate(rows(40))]
    bad = '{"pred": "x"}\n'
    found = examine(write(drifted, tail=bad)).findings
    assert {"unreadable", "same id", "drift"} <= {finding.kind for finding in found}
    assert all(re.fullmatch(r".*p\.jsonl:\d+", place) for finding in found for place in finding.places)
    (drift,) = [finding for finding in found if finding.kind == "drift"]
    assert "(the first: id {0}, first at " in drift.message


@pytest.mark.parametrize(
    ("sequence", "starts"),
    [
        ("abcdefgh", []),
        ("abcdefghabcdefgh", [8]),
        ("abcdefghabcd", [8]),
        ("abcdeabcdefgh", [5]),
        ("abcdefabcdefabcdef", [6, 12]),
        ("abcdefghijabcdefabcdefghijklmnopqrstuvwx", [10, 16]),  # two interrupted runs, then a whole one
        ("abcdefghabxy", []),  # the repetition breaks off: the same questions, by chance
        ("aaaaaaaa", []),
        ("", []),
        ("a", []),
    ],
)
def test_where_a_run_began(sequence, starts):
    letters = [letter + "!" for letter in sequence]
    assert run_starts(letters) == starts


def test_a_few_possible_references_are_no_sign_of_a_second_run():
    random.seed(3)
    wrong = sum(bool(run_starts(random.choices("ABCD", k=200))) for _ in range(300))
    assert wrong <= 6  # by the limit of 0.01 at most three are expected


@given(st.text("ab", max_size=40))
def test_common_prefixes_equal_their_definition(text):
    def prefix(i):
        return next((k for k in range(len(text) - i) if text[k] != text[i + k]), len(text) - i)

    assert common_prefixes(text) == [0 if i == 0 else prefix(i) for i in range(len(text))]


@pytest.mark.parametrize(
    ("ids", "gaps"),
    [
        ([str(i) for i in range(40) if i not in (7, 9)], [7, 9]),
        ([f"q-{i:03}" for i in range(1, 40) if i != 20], [20]),
        ([str(i) for i in range(40)], []),
        (["3", "900", "77", "12"], []),  # a sample: ids that don't count
        ([f"{i}-x" for i in range(9)], []),
        (["a1", "b2", "c3", "d5"], []),
        (["1"], []),
    ],
)
def test_numbers_left_out(ids, gaps):
    assert missing_numbers(ids) == gaps


def test_gaps_in_the_ids_point_to_a_partial_run(write):
    path = write([row | {"id": i} for i, row in enumerate(rows(30)) if i != 11])
    (found,) = examine(path).findings
    assert (found.kind, found.serious) == ("gaps", True)
    assert "1 number is missing (11)" in found.message


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"pred": "the same"}, "constant"),
        ({"answers": [" "], "length": 1}, "empty reference"),
        ({"all_classes": ["a", "b"]}, "no such class"),
        ({"pred": "<think>hm"}, "unclosed thought"),
    ],
)
def test_other_faults(write, fields, kind):
    assert kind in kinds(write([row | fields for row in rows(8)]))


def test_long_outputs_that_stop_in_mid_sentence_are_worth_a_note(write):
    whole, cut = "A sentence of some words. " * 20, "A sentence of some words and " * 20
    assert "mid-sentence" in kinds(write(rows(6)[:3] + [row | {"pred": cut + row["pred"]} for row in rows(3)]), False)
    assert not kinds(write([row | {"pred": f"{i} {whole}"} for i, row in enumerate(rows(6))]), False)


def test_unreadable_lines_are_found_together_with_the_rest(write):
    report = examine(write(rows(3), tail='{"pred": "x"}\n{"pred": "y", "answ'))
    (found,) = report.findings
    assert (report.rows, report.serious) == (3, 1)
    assert [place.rpartition(":")[2] for place in found.places] == ["4", "5"]


def test_an_empty_file(write):
    assert kinds(write([])) == {"no rows"}


# ---- published scores ----------------------------------------------------------------------------------------------


def long_rows():
    return [
        {"pred": pred, "answers": ["Oslo"], "all_classes": None, "length": number}
        for number, pred in enumerate(["Oslo", "Oslo\nQuestion: more", "Rome", "in Oslo"])
    ]


@pytest.mark.parametrize(
    ("published_with", "expected"),
    [
        ({}, None),
        ({"dedupe": True}, "duplicates dropped, whole text"),
        ({"first_line": True}, "duplicates kept, first line only"),
        ({"dedupe": True, "first_line": True}, "duplicates dropped, first line only"),
    ],
)
def test_the_way_that_gives_the_published_score_is_named(write, published_with, expected):
    path = write(long_rows() + long_rows()[2:])
    published = round(score_file(path, "qa_f1", **published_with).score or 0, 2)
    claim = check_claim(path, str(published), Scoring("qa_f1"))
    assert claim.holds == (expected is None)
    assert claim.given_by == expected


def test_the_faults_of_the_reference_are_tried_too(write):
    row = {"pred": "ice cream tart", "answers": ["ice cream tart"], "all_classes": ["ice", "cream", "ice cream tart"]}
    claim = check_claim(write([row]), "50", Scoring("classification"))
    assert claim.given_by == "duplicates kept, whole text, the reference's faults"


def test_a_number_that_nothing_gives(write):
    claim = check_claim(write(long_rows()), "12.34", Scoring("qa_f1"))
    assert (claim.holds, claim.given_by) == (False, None)
    assert len(claim.tried) == 8


def test_a_claim_is_held_to_the_digits_that_it_gives(write):
    path = write(long_rows()[:3])
    assert score_file(path, "qa_f1").score == pytest.approx(100 * (1 + 0.5) / 3)
    assert check_claim(path, "50", Scoring("qa_f1")).holds
    assert check_claim(path, "50.4", Scoring("qa_f1")).holds is False


def test_a_score_in_a_file_has_two_digits_even_if_json_left_out_a_zero(write, tmp_path):
    path = write(long_rows()[1:])
    assert score_file(path, "qa_f1").score == pytest.approx(100 * (0.5 + 2 / 3) / 3)  # 38.89
    (tmp_path / "result.json").write_text('{"p": 38.9}', encoding="utf-8")
    assert check_claim(path, "38.9", Scoring("qa_f1")).holds
    assert not check_claim(path, str(tmp_path / "result.json"), Scoring("qa_f1")).holds


def test_result_json_of_longbench_is_looked_up_by_task(write, tmp_path):
    path = write(long_rows(), "triviaqa.jsonl")
    published = round(score_file(path, "longbench").score or 0, 2)
    result = tmp_path / "result.json"
    result.write_text(json.dumps({"hotpotqa": 1.0, "triviaqa": published}), encoding="utf-8")
    assert check_claim(path, str(result), Scoring("longbench")).holds
    assert read_claim(str(result), Path("x/triviaqa_e.jsonl")) == (published, 2)
    assert read_claim("61.5", path) == (61.5, 1)
    with pytest.raises(EvalProblem, match="claims no score for 'mine'; it has hotpotqa, triviaqa"):
        check_claim(write(long_rows(), "mine.jsonl"), str(result), Scoring("qa_f1"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"hotpotqa": 66.67,\n "trec": 50}', True),
        ('{"pred": "a", "answers": ["b"]}', False),
        ("{}", False),
        ("[3]", False),
        ("{", False),
        ("\udcff", False),
    ],
)
def test_a_claim_is_told_from_predictions(tmp_path, text, expected):
    for name in ("a.json", "a.jsonl"):
        (tmp_path / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    assert is_claim(tmp_path / "a.json") == expected
    assert not is_claim(tmp_path / "a.jsonl")


@pytest.mark.parametrize(("text", "said"), [("{", "not JSON"), ('{"p": "high"}', "is not a score"), ("true", "is not")])
def test_a_claim_that_cannot_be_read(write, tmp_path, text, said):
    (tmp_path / "result.json").write_text(text, encoding="utf-8")
    with pytest.raises(EvalProblem, match=said):
        check_claim(write(long_rows()), str(tmp_path / "result.json"), Scoring("qa_f1"))


def test_a_claim_without_a_metric(write):
    with pytest.raises(EvalProblem, match="a claim needs --metric"):
        check_claim(write(long_rows()), "3", Scoring("longbench"))
