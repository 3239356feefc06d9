"""The benchmarks run from end to end at a tiny scale, and replace only the table of the part that ran."""

import pytest
from tiny_shared.testing.benchmarks import run_part

from benchmarks.__main__ import PARTS, main

PEERS: dict[str, list[str]] = {"offline": [], "loop": ["smolagents"], "light": ["smolagents"]}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_runs_and_replaces_only_its_own_table(part, tmp_path):
    for peer in PEERS[part]:
        pytest.importorskip(peer, reason=f"{peer} is a peer, installed by requirements-bench.txt")
    run_part(main, part, PARTS, 0.02, tmp_path)
