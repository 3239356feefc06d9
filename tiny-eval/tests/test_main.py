"""The command line: what it prints, its JSON, its exit codes, its one line for whatever is wrong."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_shared import cli

from main import DEMO_TASKS, READING_PATH, parser

TRACK = Path(__file__).resolve().parents[1]
HERON, WREN = str(TRACK / "sample" / "heron.jsonl"), str(TRACK / "sample" / "wren.jsonl")


@pytest.fixture
def run(capsys):
    from main import user_errors

    def run(*arguments, code=0):
        assert cli.run(parser(), [str(argument) for argument in arguments], user_errors()) == code
        out, err = capsys.readouterr()
        if code == 2:
            last = err.strip().splitlines()[-1]
            assert last.startswith("error: ")
            assert "Traceback" not in err
            return last
        return out

    return run


@pytest.fixture
def longbench(tmp_path):
    """A folder as LongBench leaves it: a file for each task, and the results beside them."""
    row = {"pred": "Oslo\nQuestion:", "answers": ["Oslo"], "all_classes": None, "length": 5}
    for task in ("triviaqa", "hotpotqa"):
        (tmp_path / f"{task}.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    (tmp_path / "result.json").write_text('{"triviaqa": 100.0, "hotpotqa": 66.67}', encoding="utf-8")
    return tmp_path


def test_the_demonstration_runs_explains_compares_reports_and_ends_with_the_next_command():
    done = subprocess.run([sys.executable, "main.py"], cwd=TRACK, capture_output=True, encoding="utf-8", timeout=60)
    assert done.returncode == 0, done.stderr
    text = done.stdout
    order = [text.index(f"main.py {name} ") for name in ("run", "explain", "compare", "report")]
    assert order == sorted(order) and "\\" not in text  # on Windows, too
    assert all(text.count(f"{task}  ") >= 2 for task in DEMO_TASKS)
    assert "can't tell baseline-overlap and baseline-majority apart" in text
    assert (TRACK / "runs" / "demo" / "report" / "report.html").is_file()
    assert text.strip().splitlines()[-1].startswith("  python main.py score")


def test_score_as_json_and_as_text(run):
    found = json.loads(run("score", HERON, "--metric", "qa_f1", "--json"))
    assert list(found)[:4] == ["score", "n", "stderr", "not_measured"]
    assert found["n"] == 120
    assert f"qa_f1 {found['score']:.2f} ± {found['stderr']:.2f} on 120 items" in run(
        "score", HERON, "--metric", "qa_f1"
    )
    assert "in 30 clusters by 'document'" in run("score", HERON, "--metric", "qa_f1", "--cluster", "document")


def test_score_says_what_it_left_out(run):
    text = run("score", TRACK / "sample/broken/failed.jsonl", "--metric", "exact_match", "--extractor", "text")
    assert "not measured: 3 (1 error, 2 truncated); with them it lies between" in text
    assert "answers found by text: " in text
    twice = TRACK / "sample/broken/twice.jsonl"
    assert "duplicates: 12, counted twice; --dedupe drops them" in run("score", twice, "--metric", "qa_f1")
    assert "duplicates: 12, dropped" in run("score", twice, "--metric", "qa_f1", "--dedupe")
    assert "cut at their first line" in run("score", twice, "--metric", "qa_f1", "--first-line")


def test_a_folder_gives_a_table(run, longbench):
    table = run("score", longbench, "--metric", "longbench")
    assert [line.split()[:3] for line in table.splitlines()[1:3]] == [
        ["hotpotqa.jsonl", "qa_f1", "66.67"],
        ["triviaqa.jsonl", "qa_f1", "100.00"],
    ]
    assert table.splitlines()[-1] == "mean of 2 files: 83.33"
    assert [one["n"] for one in json.loads(run("score", longbench, "--metric", "qa_f1", "--json"))] == [1, 1]


def test_a_folder_without_any_score_is_still_a_table(run, tmp_path):
    (tmp_path / "a.jsonl").write_text('{"pred": null, "answers": ["Oslo"]}', encoding="utf-8")
    table = run("score", tmp_path, "--metric", "qa_f1").splitlines()
    assert [line.split()[:3] for line in table] == [["file", "metric", "score"], ["a.jsonl", "qa_f1", "none"]]


def test_compare_prints_each_figure_and_the_verdict(run):
    arguments = ("compare", HERON, WREN, "--metric", "exact_match")
    text = run(*arguments)
    for figure in ("A - B", "95 % interval", "bootstrap", "permutation", "McNemar", "one comparison", "to see 1 point"):
        assert figure in text
    assert "it takes the items as independent" in run(*arguments, "--cluster", "document")
    assert run(*arguments, "--language", "zh").splitlines()[-1].startswith("heron 比 wren 高")
    found = json.loads(run(*arguments, "--json"))
    assert found["settled"] is True
    assert found["verdict"] == text.splitlines()[-1]
    assert found["mcnemar"]["only_a"] == 32
    assert "one of 4 comparisons" in run(*arguments, "--comparisons", 4)


def test_the_seed_decides_what_is_drawn(run):
    def draw(seed):
        return run("compare", HERON, WREN, "--metric", "qa_f1", "--json", "--seed", seed)

    assert draw(1) == draw(1) != draw(2)


def test_compare_folders(run, longbench, tmp_path):
    other = tmp_path / "other"
    for folder, words in ((longbench, "Oslo"), (other, "Rome")):
        folder.mkdir(exist_ok=True)
        rows = [json.dumps({"pred": words, "answers": ["Oslo"], "length": i}) for i in range(12)]
        (folder / "hotpotqa.jsonl").write_text("\n".join(rows), encoding="utf-8")
    text = run("compare", longbench, other, "--metric", "longbench")
    assert "hotpotqa.jsonl, qa_f1: " in text
    assert text.splitlines()[-1].startswith("1 comparisons")
    assert len(json.loads(run("compare", longbench, other, "--metric", "longbench", "--json"))) == 1
    assert "a file and a folder" in run("compare", HERON, longbench, "--metric", "qa_f1", code=2)


def test_explain_in_brackets_as_json_and_as_a_page(run, tmp_path):
    arguments = ("explain", WREN, "--id", "t01-date", "--metric", "rouge_l_pip")
    text = run(*arguments, "--html", tmp_path / "page.html")
    assert "[1935]" in text
    assert "rouge-l google" in text
    assert (tmp_path / "page.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert json.loads(run(*arguments, "--json"))["dialects"].keys() >= {"rouge-l google", "rouge-l pip"}


def test_explain_in_colours_on_a_terminal(run, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    arguments = ("explain", WREN, "--id", "t01-date", "--metric", "qa_f1")
    assert "\x1b[32m1935\x1b[0m" in run(*arguments)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run(*arguments)


def test_audit_shows_the_spread(run):
    text = run("audit", HERON, "--metric", "exact_match", "--extractors", "text", "boxed")
    assert "unparsed" in text
    assert "100.0%  found nothing, left out below" in text
    assert "there is no spread to tell" in run("audit", HERON, "--metric", "qa_f1", "--extractors", "boxed")
    found = json.loads(run("audit", HERON, "--metric", "exact_match", "--json"))
    assert [one["extractor"] for one in found["readings"]][:3] == ["(as it is)", "text", "json_field"]


def test_doctor_exits_with_2_if_something_is_wrong(run, longbench):
    assert "nothing wrong found" in run("doctor", HERON)
    assert "1 problem, see above" in run("doctor", TRACK / "sample/broken/twice.jsonl", code=2)
    claimed = ("--claimed", longbench / "result.json")
    assert run("doctor", longbench, *claimed).count("holds") == 2
    (longbench / "result.json").write_text('{"triviaqa": 66.67, "hotpotqa": 66.67}', encoding="utf-8")
    assert "1 problem" in run("doctor", longbench, *claimed, code=2)


def test_doctor_says_what_gives_the_claimed_score(capsys, longbench):
    arguments = ["doctor", str(longbench / "triviaqa.jsonl"), "--claimed", "66.67", "--json"]
    assert cli.run(parser(), arguments) == 2
    found = json.loads(capsys.readouterr().out)
    assert found["claim"]["given_by"] == "duplicates kept, whole text"
    assert found["rows"] == 1


def test_metrics_lists_all(run):
    from tiny_eval.metrics import CORPUS_SCORERS, SCORERS

    names = [line.split()[0] for line in run("metrics").splitlines()]
    assert set(names) == {*SCORERS, *CORPUS_SCORERS}
    assert [one["name"] for one in json.loads(run("metrics", "--json"))] == names


def test_the_reading_path_is_short_and_listed(run):
    found = json.loads(run("read", "--json"))
    assert [one["file"] for one in found["files"]] == READING_PATH
    assert len(READING_PATH) <= 8
    assert found["lines"] <= 850
    assert all(one["about"] for one in found["files"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["score", "nowhere.jsonl", "--metric", "qa_f1"], "no such file or folder: 'nowhere.jsonl'"),
        (["score", "no/where", "--metric", "longbench"], "no such file or folder: 'no"),
        (["compare", "no/where", str(TRACK / "sample"), "--metric", "longbench"], "no such file or folder: 'no"),
        (["compare", HERON, "no/where", "--metric", "longbench"], "no such file or folder: 'no"),
        (
            ["doctor", str(TRACK / "sample/broken/result.json")],
            "result.json: this is a claim, not predictions; pass it with --claimed",
        ),
        (["score", HERON, "--metric", "rouge_l_gogle"], "did you mean rouge_l_google"),
        (["score", HERON], "--metric"),
        (["score", HERON, "--metric", "classification"], "heron.jsonl:1: classification needs"),
        (["score", HERON, "--metric", "qa_f1", "--extractor", "bxed"], "did you mean boxed"),
        (["score", HERON, "--metric", "qa_f1", "--cluster", "text"], "no field 'text' to cluster by"),
        (["score", str(TRACK / "sample/broken/cut.jsonl"), "--metric", "qa_f1"], "cut.jsonl:6: not JSON"),
        (["score", str(TRACK / "tests"), "--metric", "qa_f1"], "holds no .jsonl file"),
        (["explain", HERON, "--id", "t99-date", "--metric", "qa_f1"], "no row of"),
        (["compare", HERON, str(TRACK / "sample/broken/drifted.jsonl"), "--metric", "qa_f1"], "--dedupe keeps"),
        (["compare", HERON, str(TRACK / "sample/broken/empty.jsonl"), "--metric", "qa_f1"], "ids don't match"),
        (["compare", HERON, WREN, "--metric", "qa_f1", "--comparisons", "0"], "from 1 up"),
        (["audit", HERON, "--metric", "qa_f1", "--extractors", "x"], "unknown extractor"),
        (["doctor", HERON, "--claimed", "50"], "needs --metric"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(run, arguments, said):
    assert said in run(*arguments, code=2)


def test_samples_are_what_their_script_makes(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["make_samples.py", "--check"])
    with pytest.raises(SystemExit) as done:
        runpy.run_path(str(TRACK / "sample" / "make_samples.py"), run_name="__main__")
    assert done.value.code == 0


def test_help_loads_nothing_heavy():
    code = "import sys; import main; main.parser(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=TRACK, capture_output=True, encoding="utf-8", check=True)
    assert not {"numpy", "jieba", "requests", "tiny_eval.metrics"} & set(done.stdout.split())


def test_only_a_chinese_metric_loads_jieba():
    code = "import sys, main; main.cli.run(main.parser(), sys.argv[1:]); print('jieba' in sys.modules)"
    for metric, loaded in (("qa_f1", "False"), ("qa_f1_zh", "True")):
        done = subprocess.run(
            [sys.executable, "-c", code, "score", HERON, "--metric", metric],
            cwd=TRACK, capture_output=True, encoding="utf-8", check=True,
        )  # fmt: skip
        assert done.stdout.splitlines()[-1] == loaded
