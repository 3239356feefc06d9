"""What the READMEs say is so: what every track's say, and that the measured figures stand in benchmarks/RESULTS.md."""

from pathlib import Path

import pytest
from tiny_shared.reading_path import READMES
from tiny_shared.testing.readme import check_kept_demonstration, check_measured, readme_tests

from main import parser

TRACK = Path(__file__).resolve().parents[1]
SHOWN = {"demo", "tokenizer_train", "tokenizer_encode", "tokenizer_decode", "tokenizer_show", "data_prepare",
         "data_download", "pretrain", "plan", "check_run", "generate", "trace", "read",
         "data_exercises", "data_show", "tune", "merge_adapter", "compare_alignment", "chat",
         "serve", "make"}  # fmt: skip

TestReadme = readme_tests(TRACK, parser, SHOWN)


@pytest.mark.parametrize("name", READMES)
def test_every_measured_figure_stands_in_the_results(name):
    check_measured(TRACK, name)


def test_the_kept_output_is_that_of_todays_demonstration():
    check_kept_demonstration(TRACK)
