"""The benchmarks run from end to end at a tiny scale, and replace only the section of the part that ran."""

import pytest
from tiny_shared.testing.benchmarks import run_part

from benchmarks import bench_text
from benchmarks.__main__ import PARTS, main

SAYS = {
    "text": "| stories | 1 |",
    "training": "transformers",
    "decode": "transformers",
    "memory": "plan",
    "tokenizer": "tiktoken",
    "light": "main.py --help",
}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_runs_and_replaces_only_its_own_section(part, tmp_path, tmp_path_factory, monkeypatch):
    monkeypatch.setattr(bench_text, "MINUTES", (1,))
    monkeypatch.setattr(bench_text, "KEPT", tmp_path_factory.mktemp("runs") / "bench-text")  # nothing finished there
    assert SAYS[part] in run_part(main, part, PARTS, 0.01, tmp_path)
