"""What every part needs: two functions timed in turn, and the row of a table that comes of it."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One comparison; every field as it is printed."""

    what: str
    ours: str
    peer: str
    ratio: str  # above 1: ours is better
    command: str


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


def speed(what: str, amount: float, unit: str, peer: str, seconds: tuple[float, float], command: str) -> Row:
    """The row of two functions that did the same `amount` of work in `seconds` (ours, theirs)."""
    ours, theirs = seconds
    return Row(
        what, f"{figure(amount / ours)} {unit}", f"{peer}: {figure(amount / theirs)}", f"{theirs / ours:.2f}×", command
    )


def figure(number: float) -> str:
    """A number with about three digits that mean something: 0.042, 7.31, 1,260."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def command(part: str) -> str:
    """What to type for this part again."""
    return f"make -C tiny-eval bench ONLY={part}"
