"""Reading a Dockerfile, its .dockerignore and its RUN lines, as far as `tools.docker_replay` needs them.

Reference: https://docs.docker.com/reference/dockerfile/ and https://docs.docker.com/build/concepts/context/
"""

import functools
import re
import shlex
from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True)
class Step:
    """One instruction: its line, its name in capitals, the rest with continued lines joined."""

    line: int
    name: str
    rest: str


def parse(text: str) -> list[Step]:
    """The instructions of a Dockerfile; comments and blank lines are dropped."""
    steps: list[Step] = []
    pending, start = "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        start = start if pending else number
        pending += line.strip()
        if pending.endswith("\\"):
            pending = pending[:-1]
            continue
        name, _, rest = pending.partition(" ")
        steps.append(Step(start, name.upper(), rest.strip()))
        pending = ""
    return steps


def ignored(pattern_lines: list[str], path: PurePosixPath) -> bool:
    """The rule of .dockerignore: the last pattern that matches the path, or a folder above it, decides."""
    result = False
    candidates = [str(path), *(str(parent) for parent in path.parents if parent.name)]
    for line in pattern_lines:
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        regex = _regex(pattern.lstrip("!").strip("/"))
        if any(regex.fullmatch(candidate) for candidate in candidates):
            result = not pattern.startswith("!")
    return result


@functools.cache
def _regex(pattern: str) -> re.Pattern[str]:
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(parts.get(part) or re.escape(part) for part in re.split(r"(\*\*/|\*\*|\*|\?)", pattern)))


def commands(line: str) -> list[list[str]]:
    """The commands of a RUN line that are joined by `&&`; anything else that only a shell understands is refused."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    found: list[list[str]] = [[]]
    for word in lexer:
        if word == "&&":
            found.append([])
        elif set(word) <= set("();<>|&") or set(word) & set("$`*"):
            raise ValueError(f"{word!r} needs a shell; the replay knows plain commands joined by && only")
        else:
            found[-1].append(word)
    return found
