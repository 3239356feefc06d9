"""What the parts that train have in common: the track's own commands, run as a user would."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

TRACK = Path(__file__).resolve().parents[1]


def main_py(*arguments: str | Path) -> Any:
    """What `python main.py ARGUMENTS --json` prints."""
    command = [sys.executable, "main.py", *map(str, arguments), "--json"]
    done = subprocess.run(command, cwd=TRACK, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    return json.loads(done.stdout)


def rows_of(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
