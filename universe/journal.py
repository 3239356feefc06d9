"""Which steps are done, so that a loop that was killed goes on: one small file a step, written when it is finished.

A step's result holds as long as its settings and everything before it are the same; that is its fingerprint.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tiny_shared.files import atomic_write

Result = dict[str, Any]


class Journal:
    """The steps of one folder, in order."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fingerprint = ""
        self.results: dict[str, Result] = {}

    def step(self, name: str, settings: Any, run: Callable[[bool], Result]) -> Result:
        """What the step gave when it was done, or what `run` gives now.

        `run` is told whether the step was begun before with the same settings: then it may go on with what lies there;
        otherwise it must begin with nothing.
        """
        self.fingerprint = hashlib.sha256(f"{self.fingerprint} {name} {json.dumps(settings)}".encode()).hexdigest()
        done, begun = self.folder / f"{name}.json", self.folder / f"{name}.begun"
        kept = _read(done)
        if kept and kept.get("fingerprint") == self.fingerprint:
            self.results[name] = kept["result"]
            return self.results[name]
        same = begun.is_file() and begun.read_text(encoding="utf-8") == self.fingerprint
        done.unlink(missing_ok=True)  # from here on what lies there is neither the old result nor the new one
        atomic_write(begun, self.fingerprint)
        start = time.monotonic()
        result = run(same) | {"seconds": round(time.monotonic() - start, 1), "gone_on": same}
        atomic_write(
            done, json.dumps({"fingerprint": self.fingerprint, "result": result}, ensure_ascii=False, indent=1)
        )
        self.results[name] = result
        return result


def emptied(folder: Path) -> Path:
    """A folder with nothing in it."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder


def _read(path: Path) -> Result | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
