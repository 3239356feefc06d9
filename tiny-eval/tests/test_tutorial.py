"""The tutorial: every block of it runs, and its figures are what the code draws."""

import re
import runpy
from pathlib import Path

import pytest
from tiny_shared.tutorials import tutorial_tests

TRACK = Path(__file__).resolve().parents[1]
NUMBER = re.compile(r"-?\d+\.\d")

test_tutorial = tutorial_tests(TRACK)


def figures():
    return runpy.run_path(str(TRACK / "figures" / "make_figures.py"))["FIGURES"]


@pytest.mark.parametrize("name", figures())
def test_figure_is_what_the_code_draws(name):
    drawn, kept = figures()[name](), (TRACK / "figures" / f"{name}.svg").read_text(encoding="utf-8")
    assert NUMBER.sub("#", drawn) == NUMBER.sub("#", kept), "run: python figures/make_figures.py"
    # coordinates may differ in their last digit from machine to machine
    assert list(map(float, NUMBER.findall(drawn))) == pytest.approx(list(map(float, NUMBER.findall(kept))), abs=0.2)


def test_every_figure_is_drawn_and_shown():
    shown = set(re.findall(r"figures/(\w+)\.svg", (TRACK / "TUTORIAL.md").read_text(encoding="utf-8")))
    assert shown == set(figures()) == {path.stem for path in (TRACK / "figures").glob("*.svg")}
