"""Does a program that a model wrote pass its tests? It is run in a process of its own, with limits, never in ours.

The limits (POSIX) are on processor time, memory, files, and wall-clock time; the environment is empty, the
folder a temporary one. That stops mistakes, not an attacker: for programs that you don't trust use a container without
network. So nothing is run unless it is allowed by --allow-code.

Passing means to come to the end: only there a word is printed that is drawn anew for each run.
"""

import contextlib
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

SECONDS, MEMORY, FILE_BYTES = 10, 1 << 30, 1 << 20
FENCE = re.compile(r"```(?:python|py)?[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL)
LIMITS = f"""\
import resource
for which, most in ((resource.RLIMIT_CPU, {SECONDS}), (resource.RLIMIT_AS, {MEMORY}),
                    (resource.RLIMIT_FSIZE, {FILE_BYTES}), (resource.RLIMIT_CORE, 0)):
    resource.setrlimit(which, (most, most))
del resource, which, most
"""


def program_of(text: str, before: str = "", entry_point: str = "") -> str:
    """The program in an answer: its first fenced block, else all of it; behind `before` if it only goes on from that.

    `before` is the beginning that the prompt gave (HumanEval's signature and docstring).
    """
    fenced = FENCE.search(text)
    code = fenced[1] if fenced else text
    if entry_point and re.search(rf"^\s*(?:async\s+)?def\s+{re.escape(entry_point)}\b", code, re.MULTILINE):
        helpers = before[: before.index("def ")] if "def " in before else ""  # its imports
        return helpers + code
    return before + code


def run_tests(program: str, tests: str, seconds: float = SECONDS) -> str:
    """`passed`, or `failed: why` in one line."""
    word = secrets.token_hex(8)
    limits = LIMITS if os.name == "posix" else ""
    source = f"{limits}{program}\n\n{tests}\n\nprint({word!r})\n"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "program.py").write_text(source, encoding="utf-8", errors="backslashreplace")
        with open(Path(folder, "said"), "w+b") as said:
            process = subprocess.Popen(
                [sys.executable, "-I", "program.py"], cwd=folder, env={}, stdin=subprocess.DEVNULL, stdout=said,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            try:
                code = process.wait(seconds)
            except subprocess.TimeoutExpired:
                return f"failed: not done after {seconds:g} s"
            finally:
                _end(process)
            said.seek(max(0, said.seek(0, os.SEEK_END) - 4000))
            lines = said.read().decode("utf-8", "replace").strip().splitlines() or [""]
    if code == 0 and lines[-1] == word:
        return "passed"
    if code < 0:
        return f"failed: stopped by {signal.Signals(-code).name}"
    return "failed: " + (lines[-1][:200] if code else "it ended before its tests did")


def _end(process: subprocess.Popen[bytes]) -> None:
    """The process and whatever it started."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
