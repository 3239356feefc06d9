"""What the READMEs say is so: the reading path, every command, the example, the tables of names, the pictures."""

import contextlib
import io
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from main import READING_PATH, parser
from tiny_eval import longbench
from tiny_eval.extraction import CHAINS, EXTRACTORS
from tiny_eval.metrics import CORPUS_SCORERS, SCORERS
from tiny_eval.metrics.specs import SPECS
from tiny_eval.outcomes import REASONS
from tiny_eval.score import USUAL_EXTRACTOR, score_file

TRACK = Path(__file__).resolve().parents[1]
READMES = ("README.md", "README.zh-CN.md")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"\bpython main\.py\b[^`\n]*")


def readme(name: str) -> str:
    return (TRACK / name).read_text(encoding="utf-8")


def fences(name: str, language: str) -> list[str]:
    return [code for found, code in FENCE.findall(readme(name)) if found == language]


def first_cells(name: str) -> set[str]:
    """Every `name` in the first cell of a row of any table."""
    rows = re.findall(r"^\| ([^|]+) \|", readme(name), re.MULTILINE)
    return {found for cell in rows for found in re.findall(r"`([^`]+)`", cell)}


# ---- the reading path ----------------------------------------------------------------------------------------------


def test_reading_path_is_short():
    lines = {file: len((TRACK / file).read_text(encoding="utf-8").splitlines()) for file in READING_PATH}
    assert len(lines) <= 8
    assert sum(lines.values()) <= 850, lines


@pytest.mark.parametrize("name", READMES)
def test_reading_path_is_listed_with_its_lines(name):
    script = runpy.run_path(str(TRACK / "docs" / "reading_path.py"))
    path = script["reading_path"]()
    assert list(path) == READING_PATH
    rows = [(row["file"], int(row["lines"])) for row in script["ROW"].finditer(readme(name))]
    assert rows == list(path.items()), "out of date; run: python docs/reading_path.py"
    assert [int(row["lines"]) for row in script["TOTAL"].finditer(readme(name))] == [sum(path.values())]


def test_reading_path_script_corrects_old_counts():
    script = runpy.run_path(str(TRACK / "docs" / "reading_path.py"))
    table = "| 1 | [`a.py`](a.py) | 7 | idea |\n| 2 | [`b.py`](b.py) | 8 | idea |\n| | total | 15 | |\n"
    updated = "| 1 | [`a.py`](a.py) | 10 | idea |\n| 2 | [`b.py`](b.py) | 20 | idea |\n| | total | 30 | |\n"
    assert script["updated"](table, {"a.py": 10, "b.py": 20}) == updated
    with pytest.raises(ValueError, match="edit the table"):
        script["updated"](table, {"b.py": 20, "a.py": 10})


# ---- commands and code ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", READMES)
def test_every_command_is_one_that_main_understands(name):
    used = set()
    for command in COMMAND.findall(readme(name)):
        complaint = io.StringIO()
        with contextlib.redirect_stderr(complaint), contextlib.suppress(SystemExit):
            args = parser().parse_args(shlex.split(command)[2:])
            used.add(args.run.__name__)
            assert getattr(args, "metric", "longbench") in {*SCORERS, *CORPUS_SCORERS, "longbench"}, command
            assert getattr(args, "extractor", None) in {None, *CHAINS, *EXTRACTORS}, command
        assert not complaint.getvalue(), f"{command}: {complaint.getvalue()}"
    assert used == {"demo", "score", "compare", "explain", "audit", "doctor", "metrics", "read"}


def test_both_languages_show_the_same_blocks():
    english, chinese = (FENCE.findall(readme(name)) for name in READMES)
    assert english == chinese


def test_the_example_prints_what_it_says():
    code, output = fences("README.md", "python")[0], fences("README.md", "output")[0]
    done = subprocess.run([sys.executable, "-c", code], cwd=TRACK, capture_output=True, encoding="utf-8")
    assert done.stdout == output, done.stderr


@pytest.mark.parametrize("name", READMES)
def test_the_rows_shown_score_what_the_text_says(name, tmp_path):
    (rows,) = fences(name, "json")
    (tmp_path / "shown.jsonl").write_text(rows, encoding="utf-8")
    found = score_file(tmp_path / "shown.jsonl", "qa_f1")
    (written,) = re.findall(r"<!-- shown -->(.*?)<!-- /shown -->", readme(name))
    numbers = [int(number) for number in re.findall(r"\d+", written)]
    assert numbers == pytest.approx([found.score, found.low, found.high])
    assert found.reasons == {"error": 1, "truncated": 1}


# ---- names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", READMES)
def test_every_metric_extractor_and_outcome_is_explained(name):
    missing = {*SCORERS, *CORPUS_SCORERS, *CHAINS, *EXTRACTORS, *REASONS} - first_cells(name)
    assert not missing, f"{name} has no row for {sorted(missing)}"


@pytest.mark.parametrize("name", READMES)
def test_chains_are_listed_link_by_link(name):
    written = re.findall(r"^\| `(\w+)` \| (?:chain: |链：)([^;；]+)", readme(name), re.MULTILINE)
    assert {chain: tuple(re.findall(r"\w+", links)) for chain, links in written} == {
        chain: CHAINS[chain].extractors for chain in CHAINS
    }


@pytest.mark.parametrize("name", READMES)
def test_metrics_with_a_chain_of_their_own_are_named(name):
    (written,) = re.findall(r"<!-- usual -->(.*?)<!-- /usual -->", readme(name))
    assert set(re.findall(r"`(\w+)`", written)) == USUAL_EXTRACTOR.keys()


@pytest.mark.parametrize("name", READMES)
def test_what_compat_changes_is_listed_for_each_metric_that_has_it(name):
    section = readme(name).partition("<!-- compat -->")[2].partition("<!-- /compat -->")[0]
    named = set(re.findall(r"^\| ((?:`\w+`(?:, |、)?)+) \|", section, re.MULTILINE))
    assert {metric for cell in named for metric in re.findall(r"\w+", cell)} == {
        spec.name for spec in SPECS.values() if spec.has_compat
    }


@pytest.mark.parametrize("name", READMES)
def test_tasks_cut_at_the_first_line_are_those_of_the_table(name):
    (written,) = re.findall(r"<!-- first line -->(.*?)<!-- /first line -->", readme(name))
    assert set(re.findall(r"`(\w+)`", written)) == longbench.FIRST_LINE


@pytest.mark.parametrize("name", READMES)
def test_every_package_is_explained(name):
    required = re.findall(r"^([A-Za-z][\w-]*)", (TRACK / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    cells = re.findall(r"^\| ([\w-]+(?:, [\w-]+)*) \| ", readme(name), re.MULTILINE)
    named = {package for cell in cells for package in cell.split(", ")}
    assert set(required) <= named, f"{name} doesn't say why {set(required) - named} is needed"


@pytest.mark.parametrize("name", READMES)
def test_figures_measured_are_those_of_the_results(name):
    section = readme(name).partition("<!-- measured -->")[2].partition("<!-- /measured -->")[0]
    rows = [row.split(" | ") for row in re.findall(r"^\| (.*\d.*) \|", section, re.MULTILINE)]
    results = readme("benchmarks/RESULTS.md")
    assert len(rows) == 4
    for _, ours, peer, *_ in rows:
        (figure,), peers = re.findall(r"[\d.,]+\d|\d", ours), re.findall(r"[\d.]+$", peer)
        line = next((line for line in results.splitlines() if re.search(rf"\| {figure} \D", line)), "")
        assert len(peers) == 1 and f": {peers[0]} |" in line, f"benchmarks/RESULTS.md has no {ours} beside {peer}"


# ---- pictures ------------------------------------------------------------------------------------------------------


def test_pictures_are_what_the_script_draws():
    drawn = runpy.run_path(str(TRACK / "docs" / "make_pictures.py"))["pictures"]()
    assert {path.name for path in (TRACK / "docs").glob("*.svg")} == drawn.keys()
    for name, content in drawn.items():
        shipped = (TRACK / "docs" / name).read_text(encoding="utf-8")
        assert shipped == content, f"{name} is out of date; run: python docs/make_pictures.py"


def test_terminal_wraps_and_places_without_losing_a_character():
    script = runpy.run_path(str(TRACK / "docs" / "make_pictures.py"))
    line = "heron  “停电后蓄电池可支撑二十二分钟，只供圆顶电机和应急灯。” [1] " + "and some English words " * 9
    rows = list(script["wrap"](line))
    assert len(rows) > 2
    assert all(script["cells"](row) <= script["CELLS"] for row in rows)
    assert "".join("".join(rows).split()) == "".join(line.split())
    assert not any(row.lstrip()[:1] in script["NOT_FIRST"] for row in rows)
    first, second = list(script["pieces"](rows[0]))[:2]
    assert first == (0, "heron", False) and second[0] == 7


def test_marked_tokens_stand_out_in_the_picture():
    script = runpy.run_path(str(TRACK / "docs" / "make_pictures.py"))
    found = list(script["pieces"]("prediction  on [22] [january]"))
    assert found == [(0, "prediction", False), (12, "on", False), (15, "[22]", True), (20, "[january]", True)]
    assert script["COMMON"] in script["terminal"]("prediction  [22]")
    assert script["COMMON"] not in script["terminal"]("a list [22]")
