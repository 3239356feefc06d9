"""Prediction files as they come: LongBench's, with ids, as an array, broken."""

import json
import tracemalloc

import pytest

from tiny_eval.problem import EvalProblem
from tiny_eval.rows import BadRow, prediction_files, read_rows

LONGBENCH = '{"pred": "Paris", "answers": ["Paris", "paris"], "all_classes": null, "length": 812}\n'


@pytest.fixture
def write(tmp_path):
    def write(text, name="p.jsonl"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        return path

    return write


def test_longbench_rows_are_numbered_from_one_and_blank_lines_skipped(write):
    path = write("\ufeff" + LONGBENCH + "\n" + LONGBENCH)
    rows = list(read_rows(path))
    assert [(row.id, row.place) for row in rows] == [("1", f"{path.as_posix()}:1"), ("2", f"{path.as_posix()}:3")]
    assert (rows[0].pred, rows[0].answers, rows[0].all_classes, rows[0].reason) == (
        "Paris",
        ["Paris", "paris"],
        None,
        "",
    )
    assert rows[0].numbered


def test_ids_one_answer_as_text_and_classes(write):
    (row,) = read_rows(write('{"_id": 7, "pred": "a", "answers": "b", "all_classes": ["a", "b"], "doc": 3}'))
    assert (row.id, row.answers, row.all_classes, row.fields["doc"], row.numbered) == ("7", ["b"], ["a", "b"], 3, False)


def test_an_array_over_several_lines(write):
    rows = list(read_rows(write(json.dumps([json.loads(LONGBENCH)] * 2, indent=1), "p.json")))
    assert [row.id for row in rows] == ["1", "2"]
    assert [row.place.rpartition("/")[2] for row in rows] == ["p.json:2", "p.json:11"]


def test_items_of_an_array_on_one_line_are_told_apart_by_their_column(write):
    rows = list(read_rows(write("\ufeff\n" + json.dumps([json.loads(LONGBENCH)] * 2), "p.json")))
    assert [row.place.rpartition("/")[2] for row in rows] == ["p.json:2", f"p.json:2:{len(LONGBENCH) + 3}"]
    assert list(read_rows(write("[ ]", "p.json"))) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b'[{"pred": "a"},\n\n{"pred" 3}]', "p.json:3: "),
        (b'[\n"a",\n"\xff"]', "p.json:3: "),
        (b"[" * 200_000, "p.json:1: "),
    ],
)
def test_an_array_that_cannot_be_read_is_named_with_its_line(write, text, place):
    with pytest.raises(BadRow) as refused:
        list(read_rows(write(text, "p.json")))
    assert place in str(refused.value)


def test_a_line_separator_of_unicode_ends_no_line(write):
    (row,) = read_rows(write('{"pred": "a\u2028b", "answers": ["x"]}\r\n'))
    assert row.pred == "a\u2028b"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"pred": None}, "error"),
        ({"error": "timeout"}, "error"),
        ({"pred": "", "error": ""}, ""),
        ({"pred": "x", "truncated": True}, "truncated"),
        ({"pred": "x", "finish_reason": "length"}, "truncated"),
        ({"pred": "x", "finish_reason": "stop"}, ""),
    ],
)
def test_a_row_can_say_that_nothing_was_measured(write, fields, reason):
    (row,) = read_rows(write(json.dumps(fields | {"answers": ["x"]})))
    assert row.reason == reason


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"pred": "a", "answers": ["b"]', "not JSON"),
        ("[1, 2", "not JSON"),
        ("3", "3 is not an object"),
        (b'{"pred": "\xff"}', "not UTF-8 (byte 0xff)"),
        ("[" * 200_000, "p.jsonl"),
        ('{"prediction": "a", "answers": ["b"]}', "the field 'pred' is missing; rename 'prediction'"),
        ('{"pred": "a", "length": 3}', "the field 'answers' is missing; it has 'pred', 'length'"),
        ("{}", "the field 'pred' is missing; it has none"),
        ('{"pred": 3, "answers": ["b"]}', "'pred' is 3; it must be text"),
        ('{"pred": "a", "answers": []}', "'answers' is []"),
        ('{"pred": "a", "answers": [1]}', "'answers' is [1]"),
        ('{"pred": "a", "answers": ["b"], "all_classes": "b"}', "'all_classes' is"),
        ('{"id": true, "pred": "a", "answers": ["b"]}', "the id is true"),
        ('{"id": "x", "pred": "a", "answers": ["b"]}', "an id, unlike the rows above"),
    ],
)
def test_a_bad_line_is_named_with_its_number(write, line, said):
    line = line if isinstance(line, bytes) else line.encode()
    path = write(LONGBENCH.encode() + line + b"\n")
    with pytest.raises(BadRow) as refused:
        list(read_rows(path))
    assert str(refused.value).startswith(f"{path.as_posix()}:2: ")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_bad_lines_can_be_collected(write):
    told: list[BadRow] = []
    rows = list(read_rows(write(LONGBENCH + "{\n" + LONGBENCH + "{}\n"), told.append))
    assert len(rows) == 2
    assert [str(problem).split(":")[1] for problem in told] == ["2", "4"]


def test_equal_rows_have_equal_content_and_the_question_leaves_out_the_prediction(write):
    first, copy, other = read_rows(write(LONGBENCH + LONGBENCH + LONGBENCH.replace("Paris", "Rome", 1)))
    assert first.content == copy.content != other.content
    assert first.question == other.question


def test_a_folder_holds_jsonl_and_arrays_but_no_results(write, tmp_path):
    for name, text in {"b.jsonl": LONGBENCH, "a.json": "[]", "result.json": '{"b": 1}', ".c.jsonl": ""}.items():
        write(text, name)
    assert [path.name for path in prediction_files(tmp_path)] == ["a.json", "b.jsonl"]


def test_a_folder_without_predictions_is_refused(tmp_path):
    with pytest.raises(EvalProblem, match=r"holds no \.jsonl"):
        prediction_files(tmp_path)


def test_a_large_file_is_streamed(write):
    path = write(json.dumps({"pred": "x" * 10_000, "answers": ["y"]}) + "\n")
    path.write_bytes(path.read_bytes() * 2_000)  # 20 MB
    tracemalloc.start()
    assert sum(1 for _ in read_rows(path)) == 2_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000
