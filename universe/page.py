"""The loop on one page, without any request: the steps' results stand in it as JSON, from which a script draws."""

import json
import os
import platform
from pathlib import Path
from typing import Any

from tiny_shared.files import atomic_write

TEMPLATE = Path(__file__).with_name("page.html")
PLACE = "/*DATA*/"
NAME = "universe.html"


def write_page(folder: Path, plan: dict[str, Any], results: dict[str, Any]) -> Path:
    """`universe.html` in the loop's folder; links on it lead to files beside it."""
    data = {"plan": plan, "machine": machine(), "steps": results}
    # in JSON "<" may be written as an escape, so nothing that a model or a document says can end the script
    text = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c").replace("\u2028", "\\u2028")
    before, _, after = TEMPLATE.read_text(encoding="utf-8").partition(PLACE)
    path = folder / NAME
    atomic_write(path, before + text + after)
    return path


def machine() -> str:
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{name}, {os.cpu_count()} cores"
