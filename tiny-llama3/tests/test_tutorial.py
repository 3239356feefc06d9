"""The tutorial: every block of it runs, and its figures are what the code draws."""

from pathlib import Path

from tiny_shared.testing.figures import figure_tests
from tiny_shared.tutorials import tutorial_tests

TRACK = Path(__file__).resolve().parents[1]

test_tutorial = tutorial_tests(TRACK)
test_figure = figure_tests(TRACK)
