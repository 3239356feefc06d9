"""What score_file counts: every row once or as told, what wasn't measured beside it, in LongBench's ways."""

import json

import pytest

from tiny_eval.metrics import CORPUS_SCORERS, SCORERS
from tiny_eval.problem import EvalProblem
from tiny_eval.score import Scoring, score_file, score_folder
from tiny_eval.stats import clustered_error, standard_error


@pytest.fixture
def write(tmp_path):
    def write(rows, name="p.jsonl"):
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    return write


def row(pred, *answers, **fields):
    return {"pred": pred, "answers": list(answers), "all_classes": None, "length": 1} | fields


ROWS = [row("Paris", "Paris"), row("in Rome", "Rome"), row("Oslo", "Bern", "Oslo"), row("", "Bonn")]


def test_the_mean_the_error_and_the_best_reference(write):
    found = score_file(write(ROWS), "qa_f1")
    expected = [1, 2 / 3, 1, 0]
    assert found.score == pytest.approx(100 * sum(expected) / 4)
    assert found.stderr == pytest.approx(100 * standard_error(expected))
    assert (found.n, found.not_measured, found.low, found.high) == (4, 0, found.score, found.score)
    assert list(found.as_json())[:4] == ["score", "n", "stderr", "not_measured"]


def test_clusters_make_the_error_that_of_clusters(write):
    rows = [item | {"doc": number // 2} for number, item in enumerate(ROWS)]
    found = score_file(write(rows), "qa_f1", cluster="doc")
    assert found.stderr == pytest.approx(100 * clustered_error([1, 2 / 3, 1, 0], [0, 0, 1, 1]))
    assert found.clusters == 2
    with pytest.raises(EvalProblem, match=r"p\.jsonl:1: no field 'document' to cluster by; it has 'pred'"):
        score_file(write(rows), "qa_f1", cluster="document")


def test_copies_are_counted_and_dropped_when_told(write):
    path = write(ROWS + ROWS[:1])
    assert score_file(path, "exact_match").score == pytest.approx(100 * 3 / 5)
    dropped = score_file(path, "exact_match", dedupe=True)
    assert (dropped.score, dropped.n, dropped.duplicates) == (50, 4, 1)
    assert score_file(path, "exact_match").duplicates == 1


def test_with_ids_the_first_row_of_each_id_is_kept(write):
    path = write([row("right", "right", id="a"), row("wrong", "right", id="a"), row("wrong", "right", id="b")])
    assert score_file(path, "exact_match", dedupe=True).score == 50


def test_what_was_not_measured_makes_a_range(write):
    found = score_file(write([*ROWS, row(None, "x", error="timeout"), row("x", "x", truncated=True)]), "exact_match")
    assert found.score == 50  # of the four that were measured
    assert (found.n, found.not_measured, found.reasons) == (6, 2, {"error": 1, "truncated": 1})
    assert (found.low, found.high) == (pytest.approx(100 * 2 / 6), pytest.approx(100 * 4 / 6))
    nothing = score_file(write([row(None, "x")]), "exact_match")
    assert (nothing.score, nothing.stderr, nothing.low, nothing.high) == (None, None, 0, 100)


def test_an_extractor_finds_the_answer_or_says_why_not(write):
    rows = [row("So it is 41.\n#### 42", "42"), row("I don't know.", "42"), row("<think>41 or 4", "42")]
    found = score_file(write(rows), "exact_match", extractor="hash")
    assert (found.score, found.extractors_fired) == (100, {"hash": 1})
    assert found.reasons == {"unparsed": 1, "truncated": 1}
    assert score_file(write(rows[:2]), "exact_match").score == 0


@pytest.mark.parametrize("metric", [*SCORERS, *CORPUS_SCORERS])
def test_an_output_that_ends_inside_its_reasoning_is_not_wrong_by_any_metric(write, metric):
    found = score_file(write([row("<think>Paragraph 3 or B", "B", all_classes=["A", "B"])]), metric)
    assert (found.score, found.n, found.reasons) == (None, 1, {"truncated": 1})


def test_a_cut_at_the_first_line_does_not_hide_unfinished_reasoning(write):
    path = write([row("\n<think>Oslo?\nNo", "Oslo"), row("<think>No.</think>Oslo\nQuestion:", "Oslo")])
    found = score_file(path, "exact_match", first_line=True, extractor="whole")
    assert (found.score, found.reasons) == (100, {"truncated": 1})


def test_choice_says_by_itself_what_had_no_letter(write):
    found = score_file(write([row("The answer is B.", "B"), row("Well.", "B")]), "choice")
    assert (found.score, found.low, found.high, found.reasons) == (100, 50, 100, {"unparsed": 1})


def test_the_first_line_is_cut_as_longbench_does(write):
    path = write([row("\n\nOslo\nQuestion: and Italy?", "Oslo")])
    assert score_file(path, "exact_match").score == 0
    assert score_file(path, "exact_match", first_line=True).score == 100
    classes = write([row("Food\nEvent", "Food", all_classes=["Food", "Event"])])
    assert score_file(classes, "classification").score == 100  # cut, as usual for this metric
    assert score_file(classes, "classification", first_line=False).score == 50


def test_the_class_list_comes_from_each_row(write):
    rows = [row("Food", "Food", all_classes=["Food", "Event"]), row("Food Event", "Food", all_classes=["Food"])]
    assert score_file(write(rows), "classification").score == 100
    with pytest.raises(EvalProblem, match=r":1: classification needs the field 'all_classes'"):
        score_file(write([row("Food", "Food")]), "classification")


def test_compat_repeats_the_fault_of_the_reference(write):
    item = row("ice cream tart", "ice cream tart", all_classes=["ice", "cream", "ice cream tart"])
    assert score_file(write([item]), "classification").score == 100
    assert score_file(write([item]), "classification", compat=True).score == 50


def test_by_task_the_name_of_the_file_decides(write, tmp_path):
    long = row("Oslo\nQuestion: Rome", "Oslo")
    assert score_file(write([long], "triviaqa.jsonl"), "longbench").first_line
    write([long], "hotpotqa.jsonl")
    table = score_folder(tmp_path, Scoring("longbench"))
    assert [(one.metric, one.score) for one in table] == [("qa_f1", pytest.approx(50)), ("qa_f1", 100)]
    with pytest.raises(EvalProblem, match="isn't named after a task"):
        score_file(write([long], "mine.jsonl"), "longbench")
    with pytest.raises(FileNotFoundError):
        score_file(tmp_path / "nowhere.jsonl", "longbench")


@pytest.mark.parametrize("metric", CORPUS_SCORERS)
def test_a_corpus_metric_is_no_mean_of_rows(write, metric):
    rows = [row("the cat sat on the mat", "the cat sat on a mat"), row("a dog", "the dog is here now")]
    found = score_file(write([*rows, row(None, "a bird in the tree")]), metric)
    assert found.score == pytest.approx(CORPUS_SCORERS[metric]([r["pred"] for r in rows], [r["answers"] for r in rows]))
    assert (found.stderr, found.corpus, found.not_measured) == (None, True, 1)
    assert sorted([found.high or 0, found.score or 0, found.low or 0]) == [found.low, found.score, found.high]
    assert found.low != found.score != found.high


def test_every_metric_scores_a_file(write):
    path = write([row("答案是 B", "B", all_classes=["A", "B"])])
    numbers = write([row("It is 3", "3")], "n.jsonl")
    paragraphs = write([row("段落3 Paragraph 3", "Paragraph 3")], "r.jsonl")
    chinese = write([row("段落3", "段落3")], "z.jsonl")
    special = {"numeric": numbers, "latex": numbers, "retrieval": paragraphs, "retrieval_zh": chinese}
    for metric in SCORERS:
        score = score_file(special.get(metric, path), metric).score
        assert score is not None
        assert 0 <= score <= 100


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ("rogue_l_google", "did you mean rouge_l_google"),
        ("QA-F1", "did you mean qa_f1"),
        ("bleeu", "did you mean bleu"),
        ("zzzzzz", "choose one of"),
    ],
)
def test_an_unknown_metric_gets_suggestions(write, metric, said):
    with pytest.raises(EvalProblem, match="unknown metric") as refused:
        score_file(write(ROWS), metric)
    assert said in str(refused.value)


def test_an_unknown_extractor_gets_suggestions(write):
    with pytest.raises(EvalProblem, match="unknown extractor 'boxd'; did you mean boxed"):
        score_file(write(ROWS), "qa_f1", extractor="boxd")


def test_a_row_that_the_metric_refuses_is_named(write):
    with pytest.raises(EvalProblem, match=r"p\.jsonl:1: choice can't score this row: .*option letters"):
        score_file(write([row("B", "none of these")]), "choice")


def test_an_empty_file_is_no_score_of_zero(write):
    with pytest.raises(EvalProblem, match="holds no rows"):
        score_file(write([]), "qa_f1")
