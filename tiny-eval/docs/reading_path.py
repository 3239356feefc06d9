"""Bring the line counts of the READMEs' reading path up to date: python docs/reading_path.py."""

import json
import re
import subprocess
import sys
from pathlib import Path

TRACK = Path(__file__).resolve().parents[1]
READMES = ("README.md", "README.zh-CN.md")
# | 1 | [`tiny_eval/score.py`](tiny_eval/score.py) | 84 | what it does |
ROW = re.compile(r"^(\| \d+ \| \[`(?P<file>[^`]+)`\]\((?P=file)\) \| )(?P<lines>\d+)(?= \|)", re.MULTILINE)
TOTAL = re.compile(r"^(\| \| [^|]+ \| )(?P<lines>\d+)(?= \|)", re.MULTILINE)


def reading_path() -> dict[str, int]:
    """The files that `main.py read` lists, in order, with their lines."""
    command = [sys.executable, "main.py", "read", "--json"]
    done = subprocess.run(command, cwd=TRACK, capture_output=True, encoding="utf-8", check=True)
    return {entry["file"]: entry["lines"] for entry in json.loads(done.stdout)["files"]}


def updated(text: str, path: dict[str, int]) -> str:
    """The README with today's counts. Raises ValueError if its table lists other files, or in another order."""
    listed = [row["file"] for row in ROW.finditer(text)]
    if listed != list(path):
        raise ValueError(f"the reading path is {', '.join(path)}; the table lists {', '.join(listed)}: edit the table")
    text = ROW.sub(lambda row: f"{row[1]}{path[row['file']]}", text)
    return TOTAL.sub(lambda row: f"{row[1]}{sum(path.values())}", text)


if __name__ == "__main__":
    path = reading_path()
    for readme in READMES:
        text = (TRACK / readme).read_text(encoding="utf-8")
        (TRACK / readme).write_text(updated(text, path), encoding="utf-8", newline="\n")
