"""Each forbidden thing planted in a small repository is found, and what only looks like it is not."""

import subprocess

import pytest

from tools.check_code import LARGEST, problems
from tools.shipped import shipped_files, tracks

TWO_TRACKS = {
    "tiny-a/main.py": "import tiny_shared, argparse\nfrom tiny_a import core\n",
    "tiny-a/tiny_a/__init__.py": "",
    "tiny-a/tiny_a/core.py": "from tiny_a import bits\nimport json\n",
    "tiny-a/tests/test_core.py": "import logging, tiny_a.core\n",
    "tiny-b/main.py": "",
    "tiny-b/tiny_b/__init__.py": "",
    "tiny-b/tests/test_core.py": "",
    "shared/src/tiny_shared/cli.py": "import argparse, requests\n",
}


def test_clean_code_passes(tree):
    folder = tree(
        TWO_TRACKS | {"tiny-a/tiny_a/model.py": 'model.eval()\nsubprocess.run(["ls"], shell=False)\n"eval(x)"\n'}
    )
    assert problems(folder) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("import pickle", "imports pickle"),
        ("from pickle import loads", "imports pickle.loads"),
        ("import marshal as m", "imports marshal"),
        ("eval(text)", "calls eval"),
        ("builtins.exec(text)", "calls builtins.exec"),
        ("subprocess.run(command, shell=True)", "subprocess.run starts a shell"),
        ("run(command, shell=flag)", "run starts a shell"),
        ("os.system('ls')", "os.system starts a shell"),
        ("torch.load(path)", "torch.load without weights_only=True"),
        ("torch.load(path, weights_only=False)", "torch.load without weights_only=True"),
        ("numpy.load(path, allow_pickle=True)", "numpy.load with allow_pickle"),
        ("import tiny_b", "imports tiny_b of another track"),
        ("from tiny_b.core import x", "imports tiny_b.core.x of another track"),
        ("import tiny_shared", "core imports tiny_shared"),
        ("from tiny_shared.files import atomic_write", "core imports tiny_shared.files.atomic_write"),
        ("import argparse", "core imports argparse"),
        ("from urllib import request", "core imports urllib.request"),
        ("def f(:", "not Python"),
    ],
)
def test_planted_violations_are_found(tree, line, message):
    folder = tree(TWO_TRACKS | {"tiny-a/tiny_a/core.py": f"# first line\n{line}\n"})
    (found,) = problems(folder)
    assert found.startswith("tiny-a/tiny_a/core.py:")
    assert message in found
    assert "not Python" in message or ":2: " in found


def test_plumbing_is_allowed_outside_the_core_but_other_tracks_are_not(tree):
    folder = tree(
        TWO_TRACKS | {"tiny-b/main.py": "import tiny_shared\n", "tiny-b/tests/test_core.py": "import tiny_a\n"}
    )
    assert problems(folder) == [
        "tiny-b/tests/test_core.py:1: imports tiny_a of another track; each track must work alone"
    ]


def test_a_relative_import_is_the_tracks_own(tree):
    assert problems(tree(TWO_TRACKS | {"tiny-a/tiny_a/core.py": "from . import tiny_b\nfrom .socket import x\n"})) == []


def test_a_large_file_is_found(tree):
    folder = tree(TWO_TRACKS)
    (folder / "tiny-a" / "just.bin").write_bytes(bytes(LARGEST - 1))
    assert problems(folder) == []
    (folder / "tiny-a" / "large.bin").write_bytes(bytes(LARGEST))
    assert problems(folder) == ["tiny-a/large.bin: 5,000,000 bytes; the limit is 5,000,000"]


def test_tracks_are_the_folders_with_a_main_file(tree):
    assert tracks(tree(TWO_TRACKS)) == ["tiny-a", "tiny-b"]


@pytest.mark.parametrize("with_git", [True, False])
def test_shipped_files_are_those_of_a_clone(tree, with_git):
    ignored = {".venv/lib/x.py": "", "a/__pycache__/x.pyc": "", "a/x.egg-info/PKG": "", "a/.pytest_cache/x": ""}
    folder = tree(
        {"a/中文.md": "", ".ci/run": "", ".gitignore": ".venv\n__pycache__\n*.egg-info\n.pytest_cache\n"} | ignored
    )
    if with_git:
        subprocess.run(["git", "-C", str(folder), "init", "-q"], check=True)
        (folder / "a" / "deleted.md").touch()
        subprocess.run(["git", "-C", str(folder), "add", "."], check=True)
        (folder / "a" / "deleted.md").unlink()
    assert {path.as_posix() for path in shipped_files(folder)} == {".ci/run", ".gitignore", "a/中文.md"}


def test_this_repository_is_clean(root):
    assert problems(root) == []
