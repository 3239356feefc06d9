"""Each track works alone. That its demonstration does, copied with shared/ into an empty folder and without network, is
what `make docker-replay` shows; here is what it must hold and may import.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.shipped import tracks

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("track", tracks(ROOT))
def test_help_imports_nothing_heavy(track):
    command = [sys.executable, "-X", "importtime", "main.py", "--help"]
    done = subprocess.run(command, cwd=ROOT / track, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "argparse" in imported
    assert imported & {"torch", "transformers", "jieba", "openai", "requests"} == set()


def test_every_track_has_what_the_others_have():
    for track in tracks(ROOT):
        names = {path.name for path in (ROOT / track).iterdir()}
        documents = {"README.md", "README.zh-CN.md", "TUTORIAL.md", "TUTORIAL.zh-CN.md"}
        requirements = {"requirements.txt", "requirements-dev.txt", "requirements-bench.txt"}
        folders = {"tests", "exercises", "benchmarks"}
        rest = {"Makefile", "Dockerfile", "Dockerfile.dockerignore", "main.py"}
        assert documents | requirements | folders | rest <= names, track
