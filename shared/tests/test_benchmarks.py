"""Benchmarks: what is timed and how, what the table claims, which sections are kept, and what `main` hands a part."""

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tiny_shared import benchmarks
from tiny_shared.benchmarks import (
    THREADS,
    Row,
    command,
    figure,
    help_time,
    in_turn,
    installed,
    machine,
    merged,
    speed,
    table,
)
from tiny_shared.testing.benchmarks import run_part

HERE = {"processor": "Abacus, 2 cores", "Python": "3.11.7", "date": "2025-06-02"}
HOW = "Ours and the peer in turn."
ORDER = ("chunker", "bm25", "light")


def section(name: str, figure: str = "1 MB/s") -> str:
    return table(name, "What is compared.", [Row("a thing", figure, "peer: 2", "0.50×", "make bench")])


# ---- measuring -----------------------------------------------------------------------------------------------------


def test_ours_and_theirs_are_timed_in_turn_and_the_median_counts(monkeypatch):
    clock, calls = [0.0], []
    costs = {"ours": iter([9, 1, 50, 2]), "theirs": iter([9, 4, 6, 5])}  # the first of each isn't counted

    def function(name):
        calls.append(name)
        clock[0] += next(costs[name])

    monkeypatch.setattr("tiny_shared.benchmarks.measure.time.perf_counter", lambda: clock[0])
    assert in_turn(lambda: function("ours"), lambda: function("theirs"), 3) == (2, 5)
    assert calls == ["ours", "theirs"] * 4


def test_a_ratio_above_one_means_that_ours_is_faster():
    row = speed("cut", 10.0, "MB/s", "peer 1.0", (0.5, 2.0), "make bench", limit="memory: 40")
    assert row == Row("cut", "20 MB/s", "peer 1.0: 5", "4.00×", "make bench", "memory: 40")


def test_the_start_of_a_track_is_timed_in_its_folder(tmp_path):
    track = tmp_path / "tiny-x"
    track.mkdir()
    (track / "main.py").write_text("import pathlib, sys, time\npathlib.Path(sys.argv[1]).touch()\ntime.sleep(0.2)\n")
    row = help_time(track, 1)
    assert (track / "--help").exists()
    assert int(row.ours.removesuffix(" ms")) >= 200 and float(row.ratio.removesuffix("×")) < 1
    assert row.command == command("tiny-x", "light")


@pytest.mark.parametrize(("number", "shown"), [(0.0423, "0.0423"), (7.306, "7.31"), (99.94, "99.9"), (1260.4, "1,260")])
def test_a_figure_has_about_three_digits(number, shown):
    assert figure(number) == shown


def test_the_command_names_the_track_or_the_data_but_not_where_they_lie(tmp_path):
    assert command("tiny-toy", "cut") == "make -C tiny-toy bench ONLY=cut"
    assert command("tiny-toy", "cut", tmp_path) == "python -m benchmarks --only cut --data DIR"


# ---- the file ------------------------------------------------------------------------------------------------------


def test_a_table_has_a_column_of_limits_only_where_a_row_has_one():
    plain, limited = Row("a", "1", "p: 2", "0.5×", "x"), Row("b", "3", "p: 1", "3×", "y", "bus: 4")
    assert table("part", "\nWhy.\n", iter([plain])).splitlines() == [
        "## part",
        "",
        "Why.",
        "",
        "| what | ours | peer | ratio | command |",
        "|---|---|---|---|---|",
        "| a | 1 | p: 2 | 0.5× | `x` |",
    ]
    assert table("part", "Why.", [plain, limited]).splitlines()[4:] == [
        "| what | ours | peer | ratio | limit | command |",
        "|---|---|---|---|---|---|",
        "| a | 1 | p: 2 | 0.5× | – | `x` |",
        "| b | 3 | p: 1 | 3× | bus: 4 | `y` |",
    ]


def test_a_part_may_write_its_own_markdown_and_keeps_it():
    log = "### Tried\n\nDouble width: no better.\n\n```\n# a comment\n```"
    written = table("log", "What was tried.", f"\n{log}\n")
    assert written == f"## log\n\nWhat was tried.\n\n{log}"
    text = merged("", HOW, HERE, {"log": written}, ("log", "bm25"))
    assert written in merged(text, HOW, HERE, {"bm25": section("bm25")}, ("log", "bm25"))


def test_markdown_that_would_begin_another_section_is_refused():
    with pytest.raises(ValueError, match="'log' has a heading of its own with ##"):
        table("log", "What was tried.", "text\n\n## Tried\n")


def test_tables_stand_in_order_below_the_machine_whatever_the_order_of_the_runs():
    text = merged("", HOW, HERE, {"light": section("light")}, ORDER)
    text = merged(text, HOW, HERE, {"chunker": section("chunker")}, ORDER)
    here = "- processor: Abacus, 2 cores\n- Python: 3.11.7\n- date: 2025-06-02"
    tables = f"{section('chunker')}\n\n{section('light')}"  # as they were: the same machine, versions and day
    assert text == f"# Benchmarks\n\n{HOW}\n\n{here}\n\n{tables}\n"


def test_a_kept_table_says_what_was_different_when_it_was_measured():
    later = HERE | {"processor": "Slide rule", "date": "2026-01-01"}
    text = merged("", HOW, HERE, {"chunker": section("chunker")}, ORDER)
    text = merged(text, HOW, later, {"bm25": section("bm25")}, ORDER)
    assert "## chunker\n\nKept from an earlier run with processor: Abacus, 2 cores; date: 2025-06-02.\n\nWhat" in text
    assert section("bm25") in text

    again = merged(text, HOW, later | {"Python": "3.14.0"}, {"light": section("light")}, ORDER)
    note = "Kept from an earlier run with processor: Abacus, 2 cores; Python: 3.11.7; date: 2025-06-02."
    assert f"## chunker\n\n{note}\n\nWhat" in again
    assert "## bm25\n\nKept from an earlier run with Python: 3.11.7.\n\nWhat" in again

    back = merged(again, HOW, HERE, {"light": section("light")}, ORDER)
    assert section("chunker") in back
    assert section("chunker", "9 MB/s") in merged(again, HOW, later, {"chunker": section("chunker", "9 MB/s")}, ORDER)


def test_the_machine_is_described_with_what_the_track_adds():
    described = machine({"packages": installed(["pytest", "no-such-package"]), "GPU": ""})
    assert list(described)[-2:] == ["packages", "date"]  # and no line for what isn't there
    assert described["packages"] == f"pytest {pytest.__version__}"
    assert described["processor"].count(", ") >= 2 and described["Python"].startswith("3.")
    assert installed(["no-such-package"]) == "none installed"


# ---- main ----------------------------------------------------------------------------------------------------------

ONE = '''"""One."""
import os
from tiny_shared.benchmarks import Row

THREADS = os.environ.get("OMP_NUM_THREADS")

def run(scale):
    from benchmarks import entered
    for what in [f"threads {THREADS}", f"inside {entered}"]:
        yield Row(f"scale {scale}, {what}", "1", "p: 1", "1×", "x")
'''
TWO = '"""Two."""\n\ndef run(data, scale):\n    return f"Data: {data and data.name}, scale {scale}."\n'


@pytest.fixture
def track(tmp_path: Path, monkeypatch):
    """A track with two parts on the path, and a `main` that hands them in."""
    folder = tmp_path / "tiny-toy" / "benchmarks"
    folder.mkdir(parents=True)
    for name, code in {"__init__": "entered = []\n", "bench_one": ONE, "bench_two": TWO}.items():
        (folder / f"{name}.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(folder.parent)
    for name in THREADS:
        monkeypatch.setenv(name, "7")  # so that what main sets is taken back
    yield folder.parent
    for name in [name for name in sys.modules if name.partition(".")[0] == "benchmarks"]:
        del sys.modules[name]


def run_main(track: Path, *arguments: str, **more) -> str:
    results = track / "benchmarks" / "RESULTS.md"
    handed: dict[str, Any] = {
        "parts": ("one", "two"),
        "results": results,
        "introduction": HOW,
        "packages": lambda: {"toys": "1.0"},
    }
    benchmarks.main(arguments, **handed | more)
    return results.read_text(encoding="utf-8")


def test_all_parts_run_into_one_file(track, capsys):
    text = run_main(track, "--scale", "0.5")
    assert text.startswith("# Benchmarks\n\nOurs and the peer in turn.\n\n- processor: ") and "\n- toys: 1.0\n" in text
    assert text.index("| scale 0.5, threads 7 |") < text.index("## two\n\nTwo.\n\nData: None, scale 0.5.\n")
    out, err = capsys.readouterr()
    assert err.splitlines() == ["one …", "two …"]
    assert out.strip() in text


def test_only_one_part_runs_and_the_other_is_kept(track):
    before = run_main(track)
    after = run_main(track, "--only", "two", "--scale", "0.5")
    assert "scale 1.0, threads" in after and "Data: None, scale 0.5." in after
    assert before == run_main(track, "--only", "two")


def test_a_track_that_has_data_hands_them_to_the_parts_that_take_them(track):
    text = run_main(track, "--data", str(track), data="real texts")
    assert "Data: tiny-toy, scale 1.0." in text and "scale 1.0, threads 7" in text


def test_threads_are_set_before_a_part_is_imported_and_it_runs_in_its_context(track):
    @contextmanager
    def around():
        import benchmarks  # type: ignore[import-not-found]

        benchmarks.entered.append("it")
        yield
        benchmarks.entered.clear()

    text = run_main(track, "--only", "one", threads=2, around=around)
    assert "threads 2 |" in text and "inside ['it'] |" in text
    assert [os.environ[name] for name in THREADS] == ["2"] * 3


def test_what_ran_before_a_failure_is_in_the_file(track):
    (track / "benchmarks" / "bench_two.py").write_text('"""Two."""\n\ndef run(scale):\n    1 / 0\n', encoding="utf-8")
    with pytest.raises(ZeroDivisionError):
        run_main(track)
    assert "scale 1.0, threads 7" in (track / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--only", "nonsense"], "invalid choice"),
        (["--scale", "0"], "above 0"),
        (["--scale", "2"], "at most 1"),
        (["--data", "nowhere"], "not a folder"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_measured(arguments, said, track, capsys):
    with pytest.raises(SystemExit) as refused:
        run_main(track, *arguments, data="real texts")
    assert refused.value.code == 2
    assert said in capsys.readouterr().err
    assert not (track / "benchmarks" / "RESULTS.md").exists()


def test_without_a_use_for_data_there_is_no_such_option(track, capsys):
    with pytest.raises(SystemExit):
        run_main(track, "--data", str(track))
    assert "unrecognized arguments: --data" in capsys.readouterr().err


# ---- what a track's tests say --------------------------------------------------------------------------------------


def test_a_part_is_run_in_a_folder_of_its_own(track, tmp_path):
    def main(arguments, parts=("one", "two")):
        benchmarks.main(arguments, parts=parts, results=track / "no.md", introduction=HOW, packages=dict, threads=3)

    def losing_one(arguments):
        main(arguments, parts=("two",))

    def running_one(arguments):
        main(["--only", "one", *arguments[2:]])

    def littering(arguments):
        main(arguments)
        Path(arguments[-1]).with_name("left.txt").touch()

    def run(main):
        folder = tmp_path / main.__name__
        folder.mkdir()
        return run_part(main, "two", ("one", "two"), 0.1, folder)

    assert run(main) == "## two\n\nTwo.\n\nData: None, scale 0.1."
    assert [os.environ[name] for name in THREADS] == ["7"] * 3
    with pytest.raises(AssertionError, match=r"the sections of \['one'\] are gone"):
        run(losing_one)
    with pytest.raises(AssertionError, match="a section of another part"):
        run(running_one)
    with pytest.raises(AssertionError, match="more than the results"):
        run(littering)
