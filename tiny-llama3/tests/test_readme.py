"""What the READMEs say is so: what every track's say, and that the measured figures stand in benchmarks/RESULTS.md."""

import re
from pathlib import Path

import pytest
from tiny_shared.reading_path import READMES
from tiny_shared.testing.readme import readme_tests

from main import parser

TRACK = Path(__file__).resolve().parents[1]
SHOWN = {"demo", "tokenizer_train", "tokenizer_encode", "tokenizer_decode", "tokenizer_show", "data_prepare",
         "data_download", "pretrain", "plan", "check_run", "generate", "trace", "read"}  # fmt: skip

TestReadme = readme_tests(TRACK, parser, SHOWN)


@pytest.mark.parametrize("name", READMES)
def test_every_measured_figure_stands_in_the_results(name):
    (measured,) = re.findall(r"<!-- measured -->(.*?)<!-- /measured -->", (TRACK / name).read_text("utf-8"), re.DOTALL)
    results = (TRACK / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")
    figures = re.findall(r"\d+\.\d+", measured)
    assert len(figures) > 8
    assert [figure for figure in figures if figure not in results] == []


def test_the_kept_output_is_that_of_todays_demonstration():
    """Its words; the numbers of a training are those of the machine that it ran on."""
    kept = (TRACK / "docs" / "demo.txt").read_text(encoding="utf-8")
    said = re.findall(r'say\(\s*f?"(?:\\n)?([^"{\\]{15,})', (TRACK / "main.py").read_text(encoding="utf-8"))
    assert len(said) >= 3
    assert [words for words in said if words not in kept] == []
