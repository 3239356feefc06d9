"""The tutorial: every block of it runs."""

from pathlib import Path

from tiny_shared.tutorials import tutorial_tests

test_tutorial = tutorial_tests(Path(__file__).resolve().parents[1])
