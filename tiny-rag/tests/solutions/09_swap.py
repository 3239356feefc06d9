"""A solution of exercises/09_swap.py."""

import os
from pathlib import Path


def save(path: Path, data: bytes) -> None:
    draft = path.with_name(path.name + ".tmp")
    with open(draft, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)
