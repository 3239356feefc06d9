"""RESULTS.md: the machine once, then a section of rows for each part; the parts that weren't run now are kept.

A kept section may have been measured on another day, machine or version. What differs from the description at the top
is then said below its heading, so that no figure claims a machine that it wasn't measured on.
"""

import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.measure import Row

PEERS = ("rouge-score", "rouge", "sacrebleu", "rapidfuzz", "numpy", "jieba")
TITLE = """# Benchmarks

Ours and the peer in turn in one process, medians, one thread. A ratio above 1: ours is better."""
HEADER = "| what | ours | peer | ratio | command |\n|---|---|---|---|---|"
_KEPT = "Kept from an earlier run with "
_FIELD = re.compile(r"^- (?P<key>[\w -]+): (?P<value>.*)$", re.MULTILINE)

Machine = dict[str, str]


def machine() -> Machine:
    """What the figures depend on."""
    described = {
        "processor": f"{_processor()}, {os.cpu_count()} cores, {platform.machine()}",
        "memory": _memory(),
        "system": _system(),
        "Python": platform.python_version(),
        "packages": ", ".join(_installed(PEERS)) or "none installed",
        "date": date.today().isoformat(),
    }
    return {key: value for key, value in described.items() if value}


def table(name: str, introduction: str, rows: Sequence[Row]) -> str:
    """One part as Markdown."""
    lines = (f"| {row.what} | {row.ours} | {row.peer} | {row.ratio} | `{row.command}` |" for row in rows)
    return "\n".join([f"## {name}", "", introduction.strip(), "", HEADER, *lines])


def merged(old: str, here: Machine, fresh: dict[str, str], order: Sequence[str]) -> str:
    """The new text of RESULTS.md from its old text (may be empty) and the tables of the parts that were run."""
    top, *sections = re.split(r"^(?=## )", old, flags=re.MULTILINE)
    then = {found["key"]: found["value"] for found in _FIELD.finditer(top)}
    kept = {section.split("\n", 1)[0].removeprefix("## "): section.strip() for section in sections}
    tables = {name: _dated(section, then, here) for name, section in kept.items()} | fresh
    described = "\n".join(f"- {key}: {value}" for key, value in here.items())
    return "\n\n".join([TITLE, described, *(tables[name] for name in order if name in tables)]) + "\n"


def _dated(section: str, then: Machine, here: Machine) -> str:
    """A kept section with a line on what was different when it was measured."""
    heading, _, rest = section.partition("\n\n")
    if rest.startswith(_KEPT):
        note, _, rest = rest.partition("\n\n")
        pairs = note.removeprefix(_KEPT).removesuffix(".").split("; ")
        then = then | {key: value for key, _, value in (pair.partition(": ") for pair in pairs)}
    differences = [f"{key}: {value}" for key, value in then.items() if here.get(key) != value]
    note = f"{_KEPT}{'; '.join(differences)}.\n\n" if differences else ""
    return f"{heading}\n\n{note}{rest}"


def _installed(packages: Iterable[str]) -> Iterable[str]:
    for package in packages:
        try:
            yield f"{package} {version(package)}"
        except PackageNotFoundError:
            continue


def _processor() -> str:
    if sys.platform == "darwin":
        asked = subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True)
        return asked.stdout.strip()
    if sys.platform == "linux":
        found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        if found:
            return found[1].strip()
    return platform.processor() or "unknown processor"


def _memory() -> str:
    if sys.platform == "win32":  # the standard library can't say
        return ""
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB"


def _system() -> str:
    if sys.platform == "linux":
        try:
            return platform.freedesktop_os_release()["PRETTY_NAME"]
        except OSError:
            pass
    return f"{platform.system()} {platform.release()}"
