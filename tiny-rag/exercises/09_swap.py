"""Chapter 9: save a file so that no crash can spoil it.

Write `data` to `path`. If the process dies at any moment, `path` must hold its old content or the new one, whole.
You need: another name in the same folder (path.with_name), file.write, file.flush, os.fsync(file.fileno()), os.replace.
Call them as os.fsync and os.replace: the grader replaces both by versions that crash.

把 `data` 存进 `path`：无论进程死在哪一步，`path` 里都是完整的旧内容或完整的新内容。请写成 os.fsync 和 os.replace。
"""

import os  # noqa: F401 - you will need it
from pathlib import Path


def save(path: Path, data: bytes) -> None:
    raise NotImplementedError("your turn")
