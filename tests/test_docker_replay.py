"""The replay of Dockerfiles: what it reads, what it refuses, and that what it runs is cut off from the network."""

import os
import re
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from tools import docker_replay
from tools.docker_replay import ReplayError, main, replay
from tools.dockerfile import Step, commands, ignored, parse

START = f"FROM python:{sys.version_info.major}.{sys.version_info.minor}-slim\nRUN useradd --create-home learner\n"


def test_parse_joins_continued_lines_and_drops_comments():
    text = "# syntax=docker/dockerfile:1\nFROM a\n\nRUN one && \\\n  # between\n    two\ncmd x\n"
    assert parse(text) == [Step(2, "FROM", "a"), Step(4, "RUN", "one && two"), Step(7, "CMD", "x")]


@pytest.mark.parametrize(
    ("patterns", "kept", "dropped"),
    [
        (["*", "!shared", "!tiny-a"], ["shared/a/b.py", "tiny-a/main.py"], ["tiny-b/main.py", "README.md"]),
        (["*", "!shared", "**/.*", "**/tests"], ["shared/x"], ["shared/.venv/x", "shared/a/.x", "shared/tests/x.py"]),
        (["*.md", "# a/b", ""], ["a/b.md", "a/b"], ["b.md"]),
        (["a/**/c", "/b/"], ["a/d", "x/b"], ["a/c", "a/x/y/c", "b/x"]),
        (["a?c"], ["ac", "a/c"], ["abc"]),
    ],
)
def test_ignored_is_decided_by_the_last_pattern_that_matches(patterns, kept, dropped):
    assert [path for path in kept + dropped if ignored(patterns, PurePosixPath(path))] == dropped


def test_commands_are_split_without_a_shell():
    assert commands('pip install "a>=2" b && mkdir -p x/y') == [["pip", "install", "a>=2", "b"], ["mkdir", "-p", "x/y"]]


@pytest.mark.parametrize("line", ["a | b", "a; b", "a > b", "a || b", "echo $HOME", "echo `a`", "rm *", "(a)"])
def test_what_needs_a_shell_is_refused(line):
    with pytest.raises(ValueError, match="needs a shell"):
        commands(line)


@pytest.mark.parametrize(
    ("dockerfile", "message"),
    [
        ("ADD a b\n", "Dockerfile:1: ADD is not among the instructions"),
        ("USER nobody\n", "Dockerfile:1: no RUN useradd made a user 'nobody'"),
        ("COPY gone .\n", "Dockerfile:1: COPY gone: nothing of it is in the build context"),
        ("COPY hidden .\n", "Dockerfile:1: COPY hidden: nothing of it is in the build context"),
        ("ENV A=$B\n", "Dockerfile:1: ENV A=.B: the replay knows NAME=value without variables"),
        ("WORKDIR /a\n\nRUN python -c 'raise SystemExit(3)'\n", "Dockerfile:3: Command .* returned non-zero"),
        ("WORKDIR /a\n", "the Dockerfile has no CMD"),
        ('WORKDIR /a\nCMD ["python"]\n', "the image would run as root"),
    ],
)
def test_a_dockerfile_that_cannot_work_is_refused(tree, dockerfile, message):
    folder = tree({"toy/Dockerfile": dockerfile, "toy/Dockerfile.dockerignore": "hidden", "hidden/x": ""})
    with pytest.raises(ReplayError, match=message):
        replay(folder / "toy")


DOCKERFILE = (
    START
    + """\
ARG MIRROR
ARG COLOUR=blue
ENV CACHE=/home/learner/cache
WORKDIR /universe/toy
COPY shared ../shared
COPY toy/one.txt .
COPY toy .
RUN python build.py && mkdir made
USER learner
CMD ["python", "main.py"]
"""
)
BUILD = """\
import os
print("built with", os.environ.get("PYTHONPATH"), os.environ.get("MIRROR"), os.environ["COLOUR"], os.environ["CACHE"])
"""
MAIN = """\
import os, sys
home = os.environ["HOME"]
print("copied", open("../shared/packages.txt").read(), sorted(os.listdir(".")))
print("environment", home.endswith("/home/learner"), os.environ["CACHE"] == home + "/cache", os.environ.get("SECRET"))
print("venv", sys.prefix != sys.base_prefix, "proxy", os.environ.get("https_proxy"))
sys.exit(int("FAIL" in os.environ))
"""


@pytest.fixture
def toy(tree) -> Path:
    files = {"toy/main.py": MAIN, "toy/build.py": BUILD, "toy/one.txt": "1", "toy/tests/x": "", "other/x": ""}
    docker = {"toy/Dockerfile": DOCKERFILE, "toy/Dockerfile.dockerignore": "*\n!toy\n!shared\n**/tests\n**/Docker*\n"}
    return tree(files | docker | {"shared/packages.txt": "ok"}) / "toy"


@pytest.mark.skipif(os.name == "nt", reason="an image's paths and environment are those of a POSIX system")
def test_a_replay_runs_the_image_from_what_was_copied(toy, monkeypatch, capfd):
    monkeypatch.setenv("SECRET", "x")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setattr(docker_replay, "_without_network", lambda identity: [])
    assert main([str(toy)]) == 0
    printed = capfd.readouterr().out
    assert "skipped: useradd --create-home learner (it would add a user to this machine)" in printed
    assert re.search("built with None None blue .*/image/home/learner/cache", printed)
    assert "copied ok ['build.py', 'made', 'main.py', 'one.txt']" in printed
    assert "environment True True None" in printed
    assert "venv True proxy http://127.0.0.1:9" in printed


@pytest.mark.skipif(os.name == "nt", reason="an image's paths and environment are those of a POSIX system")
@pytest.mark.parametrize(("own", "taken"), [("", "https://example.org/cpu"), ("/a/folder", "None")])
def test_an_index_of_the_dockerfile_gives_way_to_one_that_is_set_up(toy, monkeypatch, capfd, own, taken):
    for name in list(os.environ):
        if name.startswith("PIP_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    if own:
        monkeypatch.setenv("PIP_FIND_LINKS", own)
    monkeypatch.setattr(docker_replay, "_without_network", lambda identity: [])
    text = DOCKERFILE.replace("ARG MIRROR", "ARG PIP_EXTRA_INDEX_URL=https://example.org/cpu")
    (toy / "Dockerfile").write_text(text, encoding="utf-8")
    (toy / "build.py").write_text("import os\nprint('index', os.environ.get('PIP_EXTRA_INDEX_URL'))\n")
    assert main([str(toy)]) == 0
    assert f"index {taken}\n" in capfd.readouterr().out


@pytest.mark.skipif(os.name == "nt", reason="an image's paths and environment are those of a POSIX system")
def test_a_command_that_fails_fails_the_replay(toy, capfd):
    (toy / "Dockerfile").write_text(DOCKERFILE.replace("ENV ", "ENV FAIL=1 "), encoding="utf-8")
    assert main([str(toy)]) == 1
    assert "error: python main.py exited with 1" in capfd.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="an image's paths and environment are those of a POSIX system")
def test_a_command_that_asks_for_the_network_fails_the_replay(toy, capfd):
    """Even if it goes on without an answer."""
    ask = "import contextlib, socket\nwith contextlib.suppress(OSError):\n    socket.getaddrinfo('example.org', 80)\n"
    (toy / "main.py").write_text(ask, encoding="utf-8")
    assert main([str(toy)]) == 1
    assert "python main.py asked for the network: socket.getaddrinfo example.org" in capfd.readouterr().err


@pytest.mark.skipif(not docker_replay._without_network({}), reason="this system lets us make no network namespace")
def test_the_network_of_the_command_is_empty():
    code = "import socket; socket.create_connection(('203.0.113.1', 80), timeout=5)"
    command = [*docker_replay._without_network({}), sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert (done.returncode, "Network is unreachable" in done.stderr) == (1, True)
