"""What the READMEs say is so: what every track's say, the tables of names, the rows shown, the figures measured."""

import re
import runpy
from pathlib import Path

import pytest
from tiny_shared.reading_path import READMES
from tiny_shared.testing.readme import fences, parsed_commands, readme_tests

from main import parser
from tiny_eval import longbench
from tiny_eval.extraction import CHAINS, EXTRACTORS
from tiny_eval.metrics import CORPUS_SCORERS, SCORERS
from tiny_eval.metrics.specs import SPECS
from tiny_eval.outcomes import REASONS
from tiny_eval.score import USUAL_EXTRACTOR, score_file

TRACK = Path(__file__).resolve().parents[1]

COMMANDS = "demo run report judge tasks download score compare explain audit doctor metrics read"
TestReadme = readme_tests(TRACK, parser, set(COMMANDS.split()))


def readme(name: str) -> str:
    return (TRACK / name).read_text(encoding="utf-8")


def first_cells(name: str) -> set[str]:
    """Every `name` in the first cell of a row of any table."""
    rows = re.findall(r"^\| ([^|]+) \|", readme(name), re.MULTILINE)
    return {found for cell in rows for found in re.findall(r"`([^`]+)`", cell)}


@pytest.mark.parametrize("name", READMES)
def test_commands_name_metrics_and_extractors_that_are_there(name):
    for command, args in parsed_commands(readme(name), parser):
        assert getattr(args, "metric", "longbench") in {*SCORERS, *CORPUS_SCORERS, "longbench"}, command
        assert getattr(args, "extractor", None) in {None, *CHAINS, *EXTRACTORS}, command


@pytest.mark.parametrize("name", READMES)
def test_the_rows_shown_score_what_the_text_says(name, tmp_path):
    (rows,) = fences(readme(name), "json")
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
def test_figures_measured_are_those_of_the_results(name):
    section = readme(name).partition("<!-- measured -->")[2].partition("<!-- /measured -->")[0]
    rows = [row.split(" | ") for row in re.findall(r"^\| (.*\d.*) \|", section, re.MULTILINE)]
    results = readme("benchmarks/RESULTS.md")
    assert len(rows) == 7
    for _, ours, peer, *_ in rows:
        (figure,), peers = re.findall(r"[\d.,]+\d|\d", ours), re.findall(r"[\d.]+$", peer)
        lines = [line for line in results.splitlines() if re.search(rf"\| {figure} \D", line)]
        assert len(peers) == 1 and any(f": {peers[0]} |" in line for line in lines), (
            f"benchmarks/RESULTS.md has no {ours} beside {peer}"
        )


# ---- the picture of the demonstration ------------------------------------------------------------------------------


def test_marked_tokens_stand_out_in_the_picture():
    script = runpy.run_path(str(TRACK / "docs" / "make_pictures.py"))
    common = script["COMMON"]
    found = list(script["pieces"]("prediction  on [22] [january]"))
    assert found == [(0, "prediction", ""), (12, "on", ""), (15, "[22]", common), (20, "[january]", common)]
    assert list(script["pieces"]("a list [22]  of")) == [(0, "a list [22]", ""), (13, "of", "")]
