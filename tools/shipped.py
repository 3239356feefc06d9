"""The files of the repository that a clone gets, and the tracks among its folders."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

LEFT_BEHIND = {"__pycache__", "build"}  # beside hidden folders and *.egg-info; where there is no git to ask


def shipped_files(root: Path) -> list[Path]:
    """Paths relative to `root`, sorted: what git tracks or would add; in a ZIP without git, what lies there."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout
    except (OSError, subprocess.CalledProcessError):  # no git, no repository, or one that belongs to somebody else
        return sorted(path.relative_to(root) for path in _walk(root))
    names = {name for name in listed.split("\0") if name}
    return sorted(Path(name) for name in names if (root / name).is_file())  # git also lists what was just deleted


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_file():
            yield path
        elif path.name not in LEFT_BEHIND and not path.name.endswith(("_cache", ".egg-info")) and _is_ours(path):
            yield from _walk(path)


def _is_ours(folder: Path) -> bool:
    return not folder.name.startswith(".") or folder.name in (".github", ".ci")


def tracks(root: Path) -> list[str]:
    """The top-level folders that hold a main.py."""
    return sorted(path.parent.name for path in root.glob("*/main.py"))
