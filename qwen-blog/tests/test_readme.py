"""What the READMEs say is so: what every track's say, and that the measured figures stand in benchmarks/RESULTS.md."""

from pathlib import Path

import pytest
from tiny_shared.reading_path import READMES
from tiny_shared.testing.readme import check_measured, readme_tests

from main import parser

TRACK = Path(__file__).resolve().parents[1]
SHOWN = {"demo", "trace", "generate", "chat", "inspect", "compare", "download", "read"}

TestReadme = readme_tests(TRACK, parser, SHOWN)


@pytest.mark.parametrize("name", READMES)
def test_every_measured_figure_stands_in_the_results(name):
    check_measured(TRACK, name)
