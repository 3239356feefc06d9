"""The reading path in the READMEs: old counts are corrected, another list of files is not."""

import subprocess
import sys
from pathlib import Path

import pytest
from tiny_shared import UserError, reading_path

MAIN = """\
import json, sys
if sys.argv[1:] != ["read", "--json"]:
    sys.exit("what?")
print(json.dumps({"files": [{"file": name, "lines": lines} for name, lines in [("a.py", 10), ("b.py", 20)]]}))
"""
TABLE = "| 1 | [`a.py`](a.py) | 7 | idea |\n| 2 | [`b.py`](b.py) | 8 | 5 ideas |\n| | total | 15 | |\n"
UPDATED = "| 1 | [`a.py`](a.py) | 10 | idea |\n| 2 | [`b.py`](b.py) | 20 | 5 ideas |\n| | total | 30 | |\n"


@pytest.fixture
def track(tmp_path: Path) -> Path:
    (tmp_path / "main.py").write_text(MAIN, encoding="utf-8")
    for name in reading_path.READMES:
        (tmp_path / name).write_text(f"# 玩具\n\n{TABLE}\n| 3 | other table | 4 |\n", encoding="utf-8")
    return tmp_path


def run(track: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tiny_shared.reading_path", str(track)]
    return subprocess.run(command, capture_output=True, encoding="utf-8")


def test_old_counts_are_corrected():
    assert reading_path.updated(TABLE, {"a.py": 10, "b.py": 20}) == UPDATED
    assert reading_path.listed(UPDATED) == ({"a.py": 10, "b.py": 20}, [30])


@pytest.mark.parametrize("path", [{"b.py": 20, "a.py": 10}, {"a.py": 10}, {"a.py": 10, "b.py": 20, "c.py": 1}])
def test_another_list_of_files_has_to_be_edited_by_hand(path):
    with pytest.raises(UserError, match="the table lists a.py, b.py: edit the table"):
        reading_path.updated(TABLE, path)


def test_the_command_updates_both_languages_and_nothing_else(track):
    done = run(track)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    for name in reading_path.READMES:
        assert (track / name).read_text(encoding="utf-8") == f"# 玩具\n\n{UPDATED}\n| 3 | other table | 4 |\n"


def test_neither_file_changes_if_one_cannot_be_updated(track):
    english, chinese = (track / name for name in reading_path.READMES)
    chinese.write_text("# 玩具\n", encoding="utf-8")
    done = run(track)
    assert done.returncode == 2
    assert done.stderr.startswith("error: the reading path is a.py, b.py; the table lists")
    assert TABLE in english.read_text(encoding="utf-8")


def test_a_main_that_fails_is_named(track):
    (track / "main.py").write_text("raise SystemExit('no such command')", encoding="utf-8")
    with pytest.raises(UserError, match="`python main.py read --json` failed: no such command"):
        reading_path.read(track)
