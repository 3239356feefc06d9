"""The root READMEs: every track is there, with as many lines of reading path as it has."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.shipped import tracks

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_reading_paths_have_the_lines_that_are_told(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    told = {
        track: int(lines) for track, lines in re.findall(r"^\| \[([\w-]+)\]\([^)]*#[^)]*\) \| (\d+) \|", text, re.M)
    }
    true = {}
    for track in tracks(ROOT):
        words = [sys.executable, "main.py", "read", "--json"]
        done = subprocess.run(words, cwd=ROOT / track, capture_output=True, encoding="utf-8", check=True)
        true[track] = json.loads(done.stdout)["lines"]
    assert told == true


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_every_measured_figure_stands_in_the_results_that_it_links_to(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    links = re.findall(r"\[([^\]]+)\]\(([\w./-]+RESULTS\.md)\)", text)
    assert {target.split("/")[0] for _, target in links} == {*tracks(ROOT), "universe"}
    figures = 0
    for said, target in links:
        results = (ROOT / target).read_text(encoding="utf-8")
        found = re.findall(r"\d+(?:\.\d+)?", re.sub(r"[A-Za-z]\S*\d\S*", "", said))
        lines = [set(re.findall(r"\d+(?:\.\d+)?", line)) for line in results.splitlines() if line.startswith("|")]
        assert any(set(found) <= line for line in lines), f"no row of {target} has {found}, of {said!r}"
        figures += len(found)
    assert figures >= 8
