"""A tutorial's figures: each is what the code draws, and each is shown.

For a track's tests/test_tutorial.py: `test_figure = figure_tests(Path(__file__).parents[1])`.
"""

import re
import runpy
from collections.abc import Callable
from functools import cache
from pathlib import Path

NUMBER = re.compile(r"-?\d+\.\d")
TOLERANCE = 0.2  # coordinates may differ in their last digit from machine to machine


def figure_tests(track: Path) -> Callable[[str], None]:
    """A test for each figure that is kept in figures/NAME.svg, shown in TUTORIAL.md, or both.

    figures/make_figures.py has a dictionary FIGURES: a figure's name, and the function that returns its SVG.
    """
    import pytest

    kept = {path.stem for path in (track / "figures").glob("*.svg")}
    shown = set(re.findall(r"figures/([\w-]+)\.svg", (track / "TUTORIAL.md").read_text(encoding="utf-8")))

    @cache
    def figures() -> dict[str, Callable[[], str]]:
        return runpy.run_path(str(track / "figures" / "make_figures.py"))["FIGURES"]

    @pytest.mark.parametrize("name", sorted(kept | shown))
    def test_figure(name: str) -> None:
        assert figures().keys() == kept == shown, (
            f"drawn: {sorted(figures())}, kept: {sorted(kept)}, shown: {sorted(shown)}"
        )
        check_figure(figures()[name](), (track / "figures" / f"{name}.svg").read_text(encoding="utf-8"))

    return test_figure


def check_figure(drawn: str, kept: str) -> None:
    """The same text, and the same numbers up to TOLERANCE."""
    ours, theirs = ([float(number) for number in NUMBER.findall(text)] for text in (drawn, kept))
    is_same_text = NUMBER.sub("#", drawn) == NUMBER.sub("#", kept)
    is_near = is_same_text and all(abs(a - b) <= TOLERANCE for a, b in zip(ours, theirs, strict=True))
    assert is_near, "the figure isn't what the code draws; run: python figures/make_figures.py"
