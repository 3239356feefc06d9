"""What every part of a benchmark needs: two functions timed in turn, and the row of a table that comes of it."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One comparison; every field as it is printed."""

    what: str
    ours: str
    peer: str
    ratio: str  # above 1: ours is better
    command: str
    limit: str = ""  # what the machine could do at best, and by which reckoning


def in_turn(ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Median seconds of each, called alternately, so that a noisy moment of the machine hits both."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for function in (ours, theirs):
        function()  # the first call reads files, fills caches and starts threads
    for _ in range(rounds):
        for function, times in zip((ours, theirs), seconds, strict=True):
            start = time.perf_counter()
            function()
            times.append(time.perf_counter() - start)
    return statistics.median(seconds[0]), statistics.median(seconds[1])


def speed(
    what: str, amount: float, unit: str, peer: str, seconds: tuple[float, float], command: str, limit: str = ""
) -> Row:
    """The row of two functions that did the same `amount` of work in `seconds` (ours, theirs)."""
    ours, theirs = (figure(amount / each) for each in seconds)
    return Row(what, f"{ours} {unit}", f"{peer}: {theirs}", f"{seconds[1] / seconds[0]:.2f}×", command, limit)


def help_time(track: Path, rounds: int) -> Row:
    """`python main.py --help` of a track beside an interpreter that does nothing, a new process each time."""

    def start(*arguments: str) -> None:
        subprocess.run([sys.executable, *arguments], cwd=track, stdout=subprocess.DEVNULL, check=True)

    ours, nothing = in_turn(lambda: start("main.py", "--help"), lambda: start("-c", "pass"), rounds)
    return Row("`python main.py --help`", f"{ours * 1e3:.0f} ms", f"`python -c pass`: {nothing * 1e3:.0f}",
               f"{nothing / ours:.2f}×", command(track.name, "light"))  # fmt: skip


def figure(number: float) -> str:
    """A number with about three digits that mean something: 0.042, 7.31, 1,260."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def command(track: str, part: str, data: Path | None = None) -> str:
    """What to type for this part again. Where the data lay is not repeated: it's elsewhere on every machine."""
    return f"make -C {track} bench ONLY={part}" if data is None else f"python -m benchmarks --only {part} --data DIR"
