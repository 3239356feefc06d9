"""A track's reading path in its READMEs: the table that lists the files of `main.py read` with their lines.

    | 1 | [`tiny_rag/tokens.py`](tiny_rag/tokens.py) | 84 | what it does |
    | | total | 84 | |

python -m tiny_shared.reading_path TRACK brings the numbers of both READMEs up to date.
"""

import json
import re
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

from tiny_shared import UserError
from tiny_shared.files import atomic_write

READMES = ("README.md", "README.zh-CN.md")
_ROW = re.compile(r"^(\| \d+ \| \[`(?P<file>[^`]+)`\]\((?P=file)\) \| )(?P<lines>\d+)(?= \|)", re.MULTILINE)
_TOTAL = re.compile(r"^(\| \| [^|]+ \| )(?P<lines>\d+)(?= \|)", re.MULTILINE)


def read(track: Path) -> dict[str, int]:
    """The files that `main.py read` lists, in order, with their lines."""
    command = [sys.executable, "main.py", "read", "--json"]
    done = subprocess.run(command, cwd=track, capture_output=True, encoding="utf-8")
    if done.returncode:
        raise UserError(f"{track}: `python main.py read --json` failed: {done.stderr.strip()}; make it list the files")
    return {entry["file"]: entry["lines"] for entry in json.loads(done.stdout)["files"]}


def listed(text: str) -> tuple[dict[str, int], list[int]]:
    """What a README's table says: the files with their lines, and every total (there should be one)."""
    files = {row["file"]: int(row["lines"]) for row in _ROW.finditer(text)}
    return files, [int(row["lines"]) for row in _TOTAL.finditer(text)]


def updated(text: str, path: dict[str, int]) -> str:
    """The README with today's counts. Raises UserError if its table lists other files, or in another order."""
    files = [row["file"] for row in _ROW.finditer(text)]
    if files != list(path):
        raise UserError(f"the reading path is {', '.join(path)}; the table lists {', '.join(files)}: edit the table")
    text = _ROW.sub(lambda row: f"{row[1]}{path[row['file']]}", text)
    return _TOTAL.sub(lambda row: f"{row[1]}{sum(path.values())}", text)


def update(track: Path) -> None:
    """Write today's counts into both READMEs."""
    path = read(track)
    texts = {readme: updated((track / readme).read_text(encoding="utf-8"), path) for readme in READMES}
    for readme, text in texts.items():
        atomic_write(track / readme, text)


def main() -> int:
    from tiny_shared import cli

    def run(args: Namespace) -> None:
        update(args.track)

    parser = cli.Parser(prog="-m tiny_shared.reading_path", description="Count the lines of a track's reading path.")
    parser.add_argument("track", type=Path, help="the track's folder")
    parser.set_defaults(run=run)
    return cli.run(parser)


if __name__ == "__main__":
    sys.exit(main())
