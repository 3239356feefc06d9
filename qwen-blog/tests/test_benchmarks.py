"""The benchmarks run from end to end at a tiny scale, and replace only the section of the part that ran."""

import pytest
from tiny_shared.testing.benchmarks import run_part

from benchmarks.__main__ import PARTS, main

SAYS = {"prefill": "transformers", "decode": "GB/s", "loading": "× the weights", "tokenizer": "tokenizers",
        "models": "| tiny-qwen3-moe |", "light": "main.py --help"}  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
def test_a_part_runs_and_replaces_only_its_own_section(part, tmp_path):
    assert SAYS[part] in run_part(main, part, PARTS, 0.01, tmp_path)
