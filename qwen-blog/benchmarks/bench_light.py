"""How long `python main.py --help` takes, beside an interpreter that does nothing: milliseconds of wall-clock time."""

from pathlib import Path

from tiny_shared.benchmarks import Row, help_time

TRACK = Path(__file__).resolve().parents[1]
ROUNDS = 20


def run(scale: float = 1.0) -> list[Row]:
    return [help_time(TRACK, max(2, int(ROUNDS * scale)))]
