"""What the READMEs say is so: what every track's say, the stop reasons, the figures measured."""

import re
from pathlib import Path

import pytest
from tiny_shared.reading_path import READMES
from tiny_shared.testing.readme import readme_tests

from main import parser
from tiny_agent.loop import StopReason
from tiny_agent.sandbox.attacks import ATTACKS

TRACK = Path(__file__).resolve().parents[1]
COMMANDS = "demo ask chat tools sandbox trace evaluate read"
TestReadme = readme_tests(TRACK, parser, set(COMMANDS.split()))


def readme(name: str) -> str:
    return (TRACK / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", READMES)
def test_every_way_out_is_named(name):
    missing = [reason for reason in StopReason if f"`{reason}`" not in readme(name)]
    assert not missing


def test_there_are_as_many_attacks_as_said():
    assert len(ATTACKS) > 90


@pytest.mark.parametrize("name", READMES)
def test_figures_measured_are_those_of_the_results(name):
    section = readme(name).partition("<!-- measured -->")[2].partition("<!-- /measured -->")[0]
    figures = set(re.findall(r"\d[\d.,]*\d%?|\d+", section))
    results = readme("benchmarks/RESULTS.md")
    known = set(re.findall(r"\d[\d.,]*\d%?|\d+", results))
    assert len(figures) >= 8 and figures <= known, figures - known
