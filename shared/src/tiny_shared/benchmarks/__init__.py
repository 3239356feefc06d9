"""Benchmarks: a track's parts measured beside their peers, and the tables that come of it in RESULTS.md.

    measure       two functions timed in turn; a row of the table
    results       RESULTS.md: the machine, the parts' tables, those kept from earlier runs
    command_line  `python -m benchmarks`, which a track calls with its parts

A track's benchmarks/ holds `__main__.py`, RESULTS.md and a `bench_NAME.py` for each part.
"""

from tiny_shared.benchmarks.command_line import THREADS, main
from tiny_shared.benchmarks.measure import Row, command, figure, help_time, in_turn, speed
from tiny_shared.benchmarks.results import Machine, installed, machine, merged, table

__all__ = [
    "THREADS",
    "Machine",
    "Row",
    "command",
    "figure",
    "help_time",
    "in_turn",
    "installed",
    "machine",
    "main",
    "merged",
    "speed",
    "table",
]
