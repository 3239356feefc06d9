"""The tutorial and its chapters: every block of them runs, in both languages the same."""

from pathlib import Path

from tiny_shared.tutorials import tutorial_tests

TRACK = Path(__file__).resolve().parents[1]

test_tutorial = tutorial_tests(TRACK)
