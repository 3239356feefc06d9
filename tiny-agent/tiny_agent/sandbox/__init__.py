"""Run a program that a model wrote, so that it can compute and nothing else.

    run_python("print(6 * 7)", timeout_s=5, memory_mb=256).stdout    "42\\n"

Each run is a fresh child process in a private folder. The child gives up its rights before it reads the program
(child.py, landlock.py, seccomp.py); the parent holds the clock, and counts what comes out and what is written. Where
one of the required layers is missing, nothing is run: SandboxUnavailable says which.

What stays in scope: faults in the kernel itself. Whoever runs programs of an enemy should use a virtual machine.
"""

import contextlib
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

CHILD = Path(__file__).with_name("child.py")
MOST_OUTPUT = 100_000  # bytes of each of stdout and stderr; what comes beyond is counted, not kept
MOST_DISK, MOST_FILES = 64 << 20, 1000
POLL_S = 0.02


class SandboxUnavailable(RuntimeError):
    """A layer of the required set is missing on this machine; the message says which, and what to do."""


@dataclass(frozen=True)
class Ran:
    """`exit_code` is negative for a signal. `layers` says what held, `cut` how many bytes of output were left out."""

    stdout: str
    stderr: str
    exit_code: int
    timed_out: bool = False
    stopped: str = ""  # why the parent ended it: time, disk
    cut: int = 0
    seconds: float = 0.0
    layers: dict[str, str] = field(default_factory=dict)


def run_python(
    code: str, timeout_s: float = 5.0, memory_mb: int = 256, *, file_mb: int = 16, namespaces: bool = True
) -> Ran:
    """Run `code` as a program of its own; SandboxUnavailable if that can't be done safely here."""
    _check_machine()
    folder = Path(tempfile.mkdtemp(prefix="tiny-agent-box-"))
    try:
        program = folder / "program.py"
        program.write_text(code, encoding="utf-8", errors="backslashreplace")
        read_end, write_end = os.pipe()
        settings = {
            "program": str(program), "folder": str(folder), "memory_mb": memory_mb,
            "cpu_s": max(1, round(timeout_s) + 1), "file_mb": file_mb, "namespaces": namespaces, "report": write_end,
        }  # fmt: skip
        start = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", str(CHILD), json.dumps(settings)], env={}, cwd=folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=(write_end,),
            start_new_session=True,
        )  # fmt: skip
        os.close(write_end)
        try:
            found, stopped, cut = _watch(process, folder, start + timeout_s)
        finally:
            _end(process)
            with os.fdopen(read_end, "rb") as report:
                said = report.read(100_000)
        seconds = time.monotonic() - start
        layers = _layers(said, stopped)
        texts = [data.decode("utf-8", "replace") for data in found]
        return Ran(texts[0], texts[1], process.returncode, stopped == "time", stopped, cut, round(seconds, 3), layers)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _watch(process: "subprocess.Popen[bytes]", folder: Path, deadline: float) -> tuple[list[bytes], str, int]:
    """Read both outputs until they end, or until time or disk is used up: (outputs, why stopped, bytes left out)."""
    assert process.stdout and process.stderr
    kept, cut, stopped = {process.stdout: bytearray(), process.stderr: bytearray()}, 0, ""
    with selectors.DefaultSelector() as selector:
        for stream in kept:
            os.set_blocking(stream.fileno(), False)
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            now = time.monotonic()
            if now >= deadline or process.poll() is not None:
                stopped = "time" if process.poll() is None else ""
                break
            for chosen, _ in selector.select(min(POLL_S, deadline - now)):
                data = os.read(chosen.fd, 1 << 16)
                if not data:
                    selector.unregister(chosen.fileobj)
                    continue
                room = MOST_OUTPUT - len(kept[chosen.fileobj])  # type: ignore[index]
                kept[chosen.fileobj] += data[:room]  # type: ignore[index]
                cut += max(0, len(data) - room)
            if _too_much(folder):
                stopped = "disk"
                break
    if not stopped:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            stopped = "time"
    _end(process)
    for stream, buffer in kept.items():  # what was written before the end
        while data := _rest(stream.fileno()):
            room = MOST_OUTPUT - len(buffer)
            buffer += data[:room]
            cut += max(0, len(data) - room)
    return [bytes(buffer) for buffer in kept.values()], stopped, cut


def _rest(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 16)
    except BlockingIOError:
        return b""


def _too_much(folder: Path) -> bool:
    """Whether bytes or files are more than the limit. The child can't make folders, so it is enough to look at one."""
    total = 0
    with os.scandir(folder) as entries:
        for number, entry in enumerate(entries):
            if number > MOST_FILES:
                return True
            with contextlib.suppress(OSError):  # a file may vanish while we look
                total += entry.stat(follow_symlinks=False).st_blocks * 512
    return total > MOST_DISK


def _end(process: "subprocess.Popen[bytes]") -> None:
    """The child and everything in its group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.wait()


def _layers(said: bytes, stopped: str) -> dict[str, str]:
    try:
        report = json.loads(said)
    except ValueError:
        if stopped:  # ended before it had got ready
            return {}
        raise SandboxUnavailable(
            "the child ended before its layers were in place; is the memory limit too low?"
        ) from None
    if not report["ok"]:
        raise SandboxUnavailable(f"a required layer is missing: {report['error']}; nothing was run")
    layers: dict[str, str] = report["layers"]
    return layers


def _check_machine() -> None:
    if sys.platform != "linux":
        raise SandboxUnavailable(f"the sandbox needs Linux (this is {sys.platform}); Python tools are off here")
