"""Task files: what is in them, what can be wrong with them, and that published answers score 100 in every one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tiny_eval.problem import EvalProblem
from tiny_eval.rows import Row
from tiny_eval.running.code_run import run_tests
from tiny_eval.running.items import LETTERS, read_examples, read_items, shuffled_choices
from tiny_eval.running.plan import Settings, plan, row_of
from tiny_eval.running.question import Answer
from tiny_eval.running.task import SHIPPED, find_task, read_task, task_files
from tiny_eval.score import Scoring, item_scorer

TRACK = Path(__file__).resolve().parents[1]
SAMPLES = [name for name, path in task_files().items() if path.suffix == ".yaml"]
GSM8K = {"question": "Two and 1,000?", "answer": "2+1000=<<2+1000=1002>>1002\n#### 1,002"}
GAOKAO = {"keywords": "Math", "example": [
    {"index": 0, "year": "2010", "question": "1. 1+1=?\nA. 1\nB. 2", "answer": ["B"], "analysis": "故选: B."},
    {"index": 1, "question": "two parts", "answer": ["A", "B"], "analysis": ""},
]}  # fmt: skip
HUMANEVAL = {"task_id": "HumanEval/0", "prompt": "import math\n\ndef root(x):\n    \"\"\"Its root.\"\"\"\n",
             "entry_point": "root", "canonical_solution": "    return math.sqrt(x)\n",
             "test": "def check(candidate):\n    assert candidate(9) == 3\n"}  # fmt: skip
LONGBENCH = {
    "input": "Who?",
    "context": "Ann did it.",
    "answers": ["Ann"],
    "all_classes": None,
    "length": 3,
    "_id": "x1",
}


def test_there_are_samples_of_six_kinds_in_two_languages():
    kinds = {name.rpartition("-")[0] for name in SAMPLES}
    assert kinds == {"choice", "classify", "qa", "summary", "maths", "code"}
    assert {name.rpartition("-")[2] for name in SAMPLES} == {"en", "zh"} and len(SAMPLES) == 12


@pytest.mark.parametrize("name", SAMPLES)
def test_the_key_scores_100_in_every_sample(name):
    task = find_task(name)
    items = read_items(task)
    assert 20 <= len(items) <= 50 and len({item["input"] + item.get("context", "") for item in items}) == len(items)
    settings = Settings(allow_code=True)
    score = item_scorer(Scoring(task.metric_name, extractor=task.extractor))
    for asked in plan(task, items, read_examples(task, 3 if task.examples else 0), settings):
        key = asked.item.get("solution") or asked.item["answers"][0]
        row = row_of(task, asked, [Answer(key)], settings)
        found = score(Row(row["id"], row["pred"], row["answers"], row.get("all_classes"), "", "", row))
        assert found.outcome.score == 1, (row["pred"], row["answers"])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_sums_are_right_and_no_option_stands_in_the_same_place(language):
    for item in read_items(find_task(f"maths-{language}")):
        left, right = item["solution"].splitlines()[0].rpartition(", ")[2].split(" = ")
        assert eval_sum(left) == int(right) == int(item["answers"][0])
    places = [item["answers"][0] for item in read_items(find_task(f"choice-{language}"))]
    assert set(places) == set("ABCD")


def eval_sum(text):
    a, sign, b = text.split()
    return {"×": int(a) * int(b), "+": int(a) + int(b), "-": int(a) - int(b), "÷": int(a) // int(b)}[sign]


def test_the_data_are_what_the_script_makes():
    subprocess.run([sys.executable, "tasks/make_tasks.py", "--check"], cwd=TRACK, check=True)


# ---- real benchmarks, in their own formats ---------------------------------------------------------------------------


def rows_of(task, path, answer_of):
    settings = Settings(allow_code=True)
    task = task.adapt(task, path) if task.adapt else task
    items = read_items(task, path)
    return task, [row_of(task, asked, [Answer(answer_of(asked.item))], settings)
                  for asked in plan(task, items, [], settings)]  # fmt: skip


def scores_of(task, rows):
    score = item_scorer(Scoring(task.metric, extractor=task.extractor, first_line=task.first_line))
    return [score(Row(row["id"], row["pred"], row["answers"], None, "", "", row)).outcome.score for row in rows]


@pytest.fixture
def published(tmp_path):
    """A folder for each benchmark, in its own format."""
    (tmp_path / "gsm8k-test.jsonl").write_text(json.dumps(GSM8K) + "\n")
    (tmp_path / "Math_MCQs.json").write_text(json.dumps(GAOKAO, ensure_ascii=False), encoding="utf-8")
    (tmp_path / "HumanEval.jsonl").write_text(json.dumps(HUMANEVAL) + "\n")
    (tmp_path / "hotpotqa.jsonl").write_text(json.dumps(LONGBENCH) + "\n")
    (tmp_path / "mmlu").mkdir()
    (tmp_path / "mmlu" / "anatomy_test.csv").write_text('"Which, of these?",a,"b, or b",c,d,B\nOther?,1,2,3,4,D\n')
    (tmp_path / "ceval").mkdir()
    (tmp_path / "ceval" / "law_val.csv").write_text(
        "id,question,A,B,C,D,answer\n0,哪个？,甲,乙,丙,丁,C\n", encoding="utf-8-sig"
    )
    return tmp_path


@pytest.mark.parametrize(("name", "where", "right", "wrong"), [
    ("gsm8k", "", lambda item: item["solution"], lambda item: "#### 7"),
    ("gaokao", "", lambda item: item["solution"], lambda item: "【答案】A"),
    ("humaneval", "", lambda item: item["before"] + item["solution"], lambda item: "def root(x):\n    return x"),
    ("humaneval", "HumanEval.jsonl", lambda item: item["solution"], lambda item: "    return 1"),
    ("longbench", "hotpotqa.jsonl", lambda item: "Ann", lambda item: "Ben"),
    ("mmlu", "mmlu", lambda item: item["answers"][0], lambda item: "A"),
    ("ceval", "ceval/law_val.csv", lambda item: "答案是" + item["answers"][0], lambda item: "A"),
])  # fmt: skip
def test_the_published_answers_score_100_and_planted_mistakes_0(published, name, where, right, wrong):
    task, rows = rows_of(find_task(name), published / where, right)
    assert scores_of(task, rows) == [1] * len(rows) and rows
    assert scores_of(*rows_of(find_task(name), published / where, wrong)) == [0] * len(rows)


def test_a_question_of_several_parts_is_left_out(published):
    assert [item["id"] for item in read_items(find_task("gaokao"), published)] == ["Math-0"]


def test_a_header_is_told_from_a_question(published):
    (item,) = read_items(find_task("cmmlu"), published / "ceval" / "law_val.csv")
    assert (item["input"], item["choices"], item["answers"]) == ("哪个？", ["甲", "乙", "丙", "丁"], ["C"])
    first, second = read_items(find_task("mmlu"), published / "mmlu")
    assert first["input"] == "Which, of these?" and second["subject"] == "anatomy"


def test_windows_of_a_text_are_the_text(tmp_path):
    from tiny_eval.benchmark_tasks.perplexity import windows

    text = "short\n" + "long " * 1000 + "\n" + "line\n" * 700 + "end"
    found = list(windows(text))
    assert "".join(found) == text and max(map(len, found)) <= 2000 and len(found) < 9


@pytest.mark.parametrize(("name", "content", "says"), [
    ("gsm8k", '{"question": "a"}\n', ":1: not a row of GSM8K"),
    ("gaokao", "[1, 2]", "not a file of GAOKAO-Bench"),
    ("humaneval", '{"prompt": "x"}\n', "not HumanEval"),
    ("mmlu", "question,A,B,C,D\n", ":1: not a question with four options"),
    ("longbench", "{}\n", "isn't named after a task of LongBench"),
])  # fmt: skip
def test_a_file_that_is_something_else(tmp_path, name, content, says):
    (tmp_path / "file.txt").write_text(content)
    task = find_task(name)
    with pytest.raises(EvalProblem, match=says):
        task = task.adapt(task, tmp_path / "file.txt") if task.adapt else task
        read_items(task, tmp_path / "file.txt")


def test_a_benchmark_wants_its_data():
    with pytest.raises(EvalProblem, match="name them with --data"):
        read_items(find_task("gsm8k"))


# ---- task files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "says"), [
    ("name: x\nprompt: a\ndata: d\nmetrik: choice\n", "unknown key 'metrik'; did you mean 'metric'"),
    ("name: x\nprompt: a\n", "the key 'data' is missing"),
    ("prompt: a\ndata: d\n", "the key 'name' is missing"),
    ("name: x\nprompt: a\ndata: d\nmetric: chioce\n", "no metric 'chioce'; did you mean 'choice'"),
    ("name: x\nprompt: a\ndata: d\nkind: magic\n", "kind is 'magic'"),
    ("name: x\nprompt: a\ndata: d\nmax_tokens: many\n", "max_tokens is 'many'"),
    ("name: ../x\nprompt: a\ndata: d\n", "can't name a folder"),
    ("name: [1]\nprompt: a\ndata: d\n", "must be text"),
    ("- a\n", "holds no settings"),
    ("name: x\nprompt: 'a\n", r"task.yaml:\d: not YAML"),
    ("name: !!python/object:os.system x\n", "not YAML"),
])  # fmt: skip
def test_a_task_file_with_a_mistake_is_named_with_it(tmp_path, text, says):
    (tmp_path / "task.yaml").write_text(text)
    with pytest.raises(EvalProblem, match=says):
        read_task(tmp_path / "task.yaml")


def test_a_task_in_python_with_a_metric_of_its_own(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from tiny_eval.running.task import Task\n"
        "def length(pred, answers):\n    return min(1, len(pred) / len(answers[0]))\n"
        "TASK = Task('mine', '{{input}}', length, data='mine.jsonl')\n"
    )
    (tmp_path / "mine.jsonl").write_text('{"id": 1, "input": "a", "answers": "four"}\n')
    task = find_task(str(tmp_path / "mine.py"))
    (asked,) = plan(task, read_items(task), [], Settings())
    assert row_of(task, asked, [Answer("ab")], Settings())["score"] == 0.5


@pytest.mark.parametrize(("source", "says"), [("x = 1\n", "holds no TASK"), ("1 / 0\n", "ZeroDivisionError")])
def test_a_python_task_that_is_none(tmp_path, source, says):
    (tmp_path / "mine.py").write_text(source)
    with pytest.raises(EvalProblem, match=says):
        find_task(str(tmp_path / "mine.py"))


def test_an_unknown_task_has_a_neighbour():
    with pytest.raises(EvalProblem, match="did you mean choice-en"):
        find_task("choise-en")
    assert (SHIPPED / "choice-en.yaml").is_file()


@pytest.mark.parametrize(("rows", "says"), [
    ([{"id": 1, "answers": ["a"]}], "item 1: the field 'input' is missing"),
    ([{"input": "a", "answers": []}], "'answers' must be a list of texts"),
    ([{"input": "a", "answers": ["b"], "choices": "ab"}], "'choices' must be"),
    ([{"input": "a", "answers": ["b"], "choices": list("abcdefghijk")}], "at most 10 have letters"),
    ([{"id": 1, "input": "a", "answers": ["b"]}, {"id": "1", "input": "a", "answers": ["b"]}], "was there already"),
    ([], "holds no items"),
])  # fmt: skip
def test_items_with_a_mistake(tmp_path, rows, says):
    (tmp_path / "t.yaml").write_text("name: t\nprompt: a\ndata: t.jsonl\n")
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(EvalProblem, match=says):
        read_items(read_task(tmp_path / "t.yaml"))


def test_letters_move_with_their_options():
    item = {"input": "?", "choices": ["w", "x", "y", "z"], "answers": ["B"]}
    turned = shuffled_choices(item, [3, 1, 0, 2])
    assert turned["choices"] == ["z", "x", "w", "y"] and turned["answers"] == ["B"]
    turned = shuffled_choices(item, [1, 0, 2, 3])
    assert turned["choices"][LETTERS.index(turned["answers"][0])] == "x"


# ---- programs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("program", "tests", "found"), [
    ("def f(x): return x", "assert f(1) == 1", "passed"),
    ("def f(x): return x", "assert f(1) == 2", "failed: AssertionError"),
    ("def f(x) return x", "", "failed: SyntaxError"),
    ("import sys; sys.exit(0)", "assert False", "failed: it ended before its tests did"),
    ("import os; os._exit(0)", "assert False", "failed: it ended before its tests did"),
    ("while True: pass", "", "failed: not done after 1 s"),
    ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "", "failed: stopped by SIGSEGV"),
    ("x = bytearray(1 << 31)", "", "failed: MemoryError"),
    ("open('big', 'wb').write(bytes(1 << 22))", "", "failed"),
    ("import os; assert not os.environ.get('OPENAI_API_KEY')", "", "passed"),
    ("print('x' * 100000)", "", "passed"),
])  # fmt: skip
def test_a_program_is_run_apart_and_within_limits(program, tests, found, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    assert run_tests(program, tests, 1).startswith(found)


def test_no_program_is_run_unless_allowed():
    task = find_task("code-en")
    (asked, *_) = plan(task, read_items(task), [], Settings())
    row = row_of(task, asked, [Answer("def double(n): return 2 * n")], Settings())
    assert row["pred"] is None and "--allow-code" in row["error"]
