"""RESULTS.md: the machine once, then a section for each part; the parts that weren't run now are kept.

A kept section may have been measured on another day, machine or version. What differs from the description at the top
is then said below its heading, so that no figure claims a machine that it wasn't measured on.
"""

import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tiny_shared.benchmarks.measure import Row

_KEPT = "Kept from an earlier run with "
_FIELD = re.compile(r"^- (?P<key>[\w -]+): (?P<value>.*)$", re.MULTILINE)
_SECTION = re.compile(r"^(?=## )", re.MULTILINE)

Machine = dict[str, str]


def machine(more: Mapping[str, str] | None = None) -> Machine:
    """What the figures depend on; `more` is what only this track's depend on, such as its peers' versions."""
    described = {
        "processor": f"{_processor()}, {os.cpu_count()} cores, {platform.machine()}",
        "memory": _memory(),
        "system": _system(),
        "Python": platform.python_version(),
        **(more or {}),
        "date": date.today().isoformat(),
    }
    return {key: value for key, value in described.items() if value}


def installed(packages: Iterable[str]) -> str:
    """Those of the packages that are there, with their versions, in one line."""
    return ", ".join(_versions(packages)) or "none installed"


def table(name: str, introduction: str, measured: Iterable[Row] | str) -> str:
    """One part as a section: its rows as a table, or the Markdown that it wrote itself."""
    content = measured.strip() if isinstance(measured, str) else _rows(list(measured))
    section = f"## {name}\n\n{introduction.strip()}\n\n{content}"
    if len(_SECTION.split(section)) > 2:  # the one that is empty, before the heading, and ours
        raise ValueError(f"the part {name!r} has a heading of its own with ##, which starts another part; write ###")
    return section


def merged(old: str, introduction: str, here: Machine, fresh: Mapping[str, str], order: Sequence[str]) -> str:
    """The new text of RESULTS.md from its old text (may be empty) and the sections of the parts that were run."""
    top, *sections = _SECTION.split(old)
    then = {found["key"]: found["value"] for found in _FIELD.finditer(top)}
    kept = {section.split("\n", 1)[0].removeprefix("## "): section.strip() for section in sections}
    tables = {name: _dated(section, then, here) for name, section in kept.items()} | dict(fresh)
    described = "\n".join(f"- {key}: {value}" for key, value in here.items())
    parts = [tables[name] for name in order if name in tables]
    return "\n\n".join(["# Benchmarks", introduction.strip(), described, *parts]) + "\n"


def _rows(rows: Sequence[Row]) -> str:
    """A Markdown table; the column of limits is left out where no row has one."""
    has_limits = any(row.limit for row in rows)
    head = ["what", "ours", "peer", "ratio", *(["limit"] if has_limits else []), "command"]
    lines = [head]
    for row in rows:
        limit = [row.limit or "–"] if has_limits else []
        lines.append([row.what, row.ours, row.peer, row.ratio, *limit, f"`{row.command}`"])
    first, *others = (f"| {' | '.join(cells)} |" for cells in lines)
    return "\n".join([first, "|" + "---|" * len(head), *others])


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


def _versions(packages: Iterable[str]) -> Iterable[str]:
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
