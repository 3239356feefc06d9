"""Each track works alone: copied with shared/ into an empty folder, its demonstration runs, and asks no network."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.shipped import shipped_files, tracks

ROOT = Path(__file__).resolve().parents[1]

# Python imports a module of this name at its start, from wherever PYTHONPATH leads.
SITECUSTOMIZE = """\
import sys

ASKS = {"socket.connect": 1, "socket.sendto": 1, "socket.getaddrinfo": 0, "socket.gethostbyname": 0}

def refuse(event, arguments):
    if event not in ASKS:
        return
    address = arguments[ASKS[event]]
    host = address[0] if isinstance(address, tuple) else address
    if host is None or str(host).startswith(("127.", "::1", "localhost", "/")):
        return
    with open(ATTEMPTS, "a", encoding="utf-8") as file:
        file.write(f"{event} {host}\\n")
    raise OSError(f"{event} {host}: this test has no network")

sys.addaudithook(refuse)
"""


@pytest.fixture
def attempts(tmp_path: Path) -> Path:
    """Where each attempt to reach beyond this machine is recorded, if `run` runs it."""
    (tmp_path / "blocker").mkdir()
    path = tmp_path / "attempts.txt"
    code = f"ATTEMPTS = {str(path)!r}\n{SITECUSTOMIZE}"
    (tmp_path / "blocker" / "sitecustomize.py").write_text(code, encoding="utf-8")
    path.touch()
    return path


def run(attempts: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python with the given arguments in `folder`: without network, keys, or a home that holds anything."""
    home = attempts.with_name("home")
    home.mkdir(exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR") if name in os.environ}
    packages = os.pathsep.join([str(attempts.with_name("blocker")), str(folder.parent / "shared" / "src")])
    environment = kept | {"HOME": str(home), "USERPROFILE": str(home), "PYTHONPATH": packages, "PYTHONUTF8": "1"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8")


def copy_alone(track: str, target: Path) -> Path:
    for path in shipped_files(ROOT):
        if path.parts[0] in (track, "shared"):
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, target / path)
    return target / track


def test_the_blocker_blocks_and_tells(attempts, tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    done = run(attempts, folder, "-c", "import socket; socket.create_connection(('example.org', 80))")
    assert (done.returncode, "this test has no network" in done.stderr) == (1, True)
    assert attempts.read_text(encoding="utf-8") == "socket.getaddrinfo example.org\n"
    done = run(attempts, folder, "-c", "import socket; socket.socket().connect(('203.0.113.1', 80))")
    assert (done.returncode, "this test has no network" in done.stderr) == (1, True)


@pytest.mark.parametrize("track", tracks(ROOT))
def test_a_track_alone_runs_its_demo_offline(track, attempts, tmp_path):
    folder = copy_alone(track, tmp_path / "alone")
    assert sorted(path.name for path in folder.parent.iterdir()) == ["shared", track]
    done = run(attempts, folder, "main.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip()
    assert attempts.read_text(encoding="utf-8") == ""


@pytest.mark.parametrize("track", tracks(ROOT))
def test_help_imports_nothing_heavy(track, attempts):
    done = run(attempts, ROOT / track, "-X", "importtime", "main.py", "--help")
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
