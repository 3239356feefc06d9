"""What runs in the child process: give up all rights, say so to the parent, then run the program of the model.

Started as `python -I -S child.py SETTINGS`, where SETTINGS is JSON: program, folder, memory_mb, cpu_s, file_mb,
namespaces, report (a file descriptor). The order matters: what restricts later steps comes last. If a layer of the
required set fails, the program is never run.
"""

import ctypes
import json
import os
import resource
import struct
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
SIGKILL = 9
CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWNET = 0x04000000, 0x08000000, 0x10000000, 0x40000000
CAPSET = {"x86_64": 126, "aarch64": 91}
CAPABILITY_VERSION = 0x20080522
OPEN_FILES = 64

libc = ctypes.CDLL(None, use_errno=True)


def apply(settings: dict[str, object]) -> dict[str, str]:
    """Every layer's name with "holds" or why it doesn't; OSError if one of the required set doesn't."""
    sys.path.insert(0, str(HERE))
    import landlock  # type: ignore[import-not-found]
    import seccomp  # type: ignore[import-not-found]

    os.environ.clear()  # the interpreter itself sets LC_CTYPE
    layers = {"private folder": "holds", "empty environment": "holds"}
    prctl(PR_SET_PDEATHSIG, SIGKILL)
    layers["namespaces"] = namespaces() if settings["namespaces"] else "not wanted"
    limits(settings)
    layers["limits"] = "holds"
    drop_capabilities()
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    prctl(PR_SET_DUMPABLE, 0)
    layers["no new privileges"] = "holds"
    readable = [Path(sys.base_prefix, "lib"), Path(sys.base_exec_prefix, "lib"), Path("/lib"), Path("/lib64"),
                Path("/usr/lib"), Path("/usr/share/zoneinfo"), Path("/etc/ld.so.cache"), Path("/etc/localtime"),
                Path("/dev/urandom"), Path("/dev/random")]  # fmt: skip
    landlock.restrict(readable, [Path(str(settings["folder"])), Path("/dev/null")])
    layers["landlock"] = "holds"
    seccomp.restrict(os.getpid())
    layers["seccomp"] = "holds"
    sys.path.remove(str(HERE))
    return layers


def limits(settings: dict[str, object]) -> None:
    """Soft and hard alike, so they can't be raised again."""
    for which, most in (
        (resource.RLIMIT_AS, int(str(settings["memory_mb"])) << 20),
        (resource.RLIMIT_CPU, int(str(settings["cpu_s"]))),
        (resource.RLIMIT_FSIZE, int(str(settings["file_mb"])) << 20),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
    ):
        resource.setrlimit(which, (most, most))


def namespaces() -> str:
    """A user of one's own without rights anywhere else, and a network with nothing in it; where the system allows."""
    wanted = CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS
    if libc.unshare(wanted) == 0:
        return "hold"
    return f"not here ({os.strerror(ctypes.get_errno())})"


def drop_capabilities() -> None:
    """All of root's special rights, if there are any; a plain user has none."""
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # refused to those who have nothing to drop
    header, none = struct.pack("=Ii", CAPABILITY_VERSION, 0), bytes(24)
    if libc.syscall(CAPSET[os.uname().machine], header, none) != 0:
        raise OSError(ctypes.get_errno(), "capabilities can't be dropped")


def prctl(option: int, value: int) -> None:
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option} is refused")


def main() -> None:
    settings = json.loads(sys.argv[1])
    report = settings.pop("report")
    os.chdir(settings["folder"])
    import runpy  # before the files are out of reach: what it needs is loaded once

    try:
        said = {"layers": apply(settings), "ok": True}
    except (OSError, KeyError, ValueError) as error:
        said = {"error": f"{type(error).__name__}: {error}", "ok": False}
    os.write(report, json.dumps(said).encode())
    os.close(report)
    if not said["ok"]:
        sys.exit(3)
    sys.argv = [settings["program"]]
    runpy.run_path(settings["program"], run_name="__main__")


if __name__ == "__main__":
    main()
