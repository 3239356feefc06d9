"""The exercises: a stub is "your turn", and its kept solution is "done"."""

from pathlib import Path

from tiny_shared.exercises import exercise_tests

test_exercise = exercise_tests(Path(__file__).resolve().parents[1])
