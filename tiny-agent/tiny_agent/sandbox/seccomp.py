"""seccomp: a list of the system calls that stay, checked by the kernel at every call (seccomp(2), since 3.17).

The filter is a program of the classic Berkeley packet filter (McCanne & Jacobson 1993), run on the call's number and
arguments. An allow-list: what a computing Python needs is named, everything else fails with "not permitted" - sockets,
starting programs, tracing, mounting, and what kernels will invent later. Some calls depend on their arguments:

    clone      only threads, no processes     (clone3 hides its flags in memory: "not implemented", so libc uses clone)
    kill       only oneself                   (tgkill: only one's own threads)
    prctl      only naming threads
    prlimit64  only one's own limits          (those of the parent would be its end)
    fcntl      no owner, no signal            (a pipe can send its owner any signal as soon as it is read)
    ioctl      only asking about a file       (as fcntl)
"""

import ctypes
import os
import platform
import struct
from collections.abc import Iterator

SET_MODE_FILTER, TSYNC = 1, 1
ALLOW, ERRNO, KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
EPERM, ENOSYS = 1, 38
LOAD, JUMP_EQUAL, JUMP_GREATER_EQUAL, JUMP_SET, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
CLONE_THREAD = 0x00010000
PR_SET_NAME = 15
X32 = 0x40000000  # the other calling convention of x86-64, with numbers of its own

# What stays; numbers of x86-64 and aarch64, None where it doesn't exist.
CALLS: dict[str, tuple[int | None, int | None]] = {
    "read": (0, 63), "write": (1, 64), "open": (2, None), "close": (3, 57), "stat": (4, None), "fstat": (5, 80),
    "lstat": (6, None), "poll": (7, None), "lseek": (8, 62), "mmap": (9, 222), "mprotect": (10, 226),
    "munmap": (11, 215), "brk": (12, 214), "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139), "pread64": (17, 67), "pwrite64": (18, 68), "readv": (19, 65),
    "writev": (20, 66), "access": (21, None), "pipe": (22, None), "select": (23, None), "sched_yield": (24, 124),
    "mremap": (25, 216), "madvise": (28, 233), "dup": (32, 23), "dup2": (33, None), "nanosleep": (35, 101),
    "getpid": (39, 172), "exit": (60, 93), "uname": (63, 160), "flock": (73, 32),
    "fsync": (74, 82), "fdatasync": (75, 83), "truncate": (76, 45), "ftruncate": (77, 46), "getdents": (78, None),
    "getcwd": (79, 17), "chdir": (80, 49), "rename": (82, None), "mkdir": (83, None), "rmdir": (84, None),
    "unlink": (87, None), "readlink": (89, None), "umask": (95, 166), "gettimeofday": (96, 169),
    "getrusage": (98, 165), "sysinfo": (99, 179), "times": (100, 153), "getuid": (102, 174), "getgid": (104, 176),
    "geteuid": (107, 175), "getegid": (108, 177), "getppid": (110, 173), "getpgrp": (111, None),
    "sigaltstack": (131, 132), "arch_prctl": (158, None), "gettid": (186, 178), "time": (201, None),
    "futex": (202, 98), "sched_getaffinity": (204, 123), "getdents64": (217, 61), "set_tid_address": (218, 96),
    "restart_syscall": (219, 128), "clock_gettime": (228, 113), "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115), "exit_group": (231, 94), "epoll_wait": (232, None), "epoll_ctl": (233, 21),
    "openat": (257, 56), "mkdirat": (258, 34), "newfstatat": (262, 79), "unlinkat": (263, 35), "renameat": (264, 38),
    "readlinkat": (267, 78), "faccessat": (269, 48), "pselect6": (270, 72), "ppoll": (271, 73),
    "set_robust_list": (273, 99), "epoll_pwait": (281, 22), "eventfd2": (290, 19), "epoll_create1": (291, 20),
    "dup3": (292, 24), "pipe2": (293, 59), "renameat2": (316, 276),
    "getrandom": (318, 278), "statx": (332, 291), "rseq": (334, 293), "close_range": (436, 436),
    "faccessat2": (439, 439), "membarrier": (324, 283),
}  # fmt: skip
BY_ARGUMENT = {"clone": (56, 220), "kill": (62, 129), "tgkill": (234, 131), "prctl": (157, 167), "clone3": (435, 435),
               "prlimit64": (302, 261), "fcntl": (72, 25), "ioctl": (16, 29)}  # fmt: skip
FCNTL = (0, 1, 2, 3, 4, 5, 6, 7, 1030)  # duplicate, close-on-exec, flags, locks
IOCTL = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # a terminal? its size? bytes to read? blocking, close-on-exec
SECCOMP = {"x86_64": 317, "aarch64": 277}
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

_libc = ctypes.CDLL(None, use_errno=True)


def supported() -> str:
    """Empty if this machine can filter, else why not."""
    if platform.machine() not in ARCHITECTURES:
        return f"no table of system calls for {platform.machine()}"
    action = ctypes.c_uint32(ERRNO)
    if _libc.syscall(SECCOMP[platform.machine()], 2, 0, ctypes.byref(action)):  # SECCOMP_GET_ACTION_AVAIL
        return "the kernel has no seccomp filters"
    return ""


def restrict(pid: int) -> None:
    """For this process, `pid`, and all its threads, for good. no_new_privs must be set. OSError if refused."""
    program = b"".join(instructions(platform.machine(), pid))
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    if _libc.syscall(SECCOMP[platform.machine()], SET_MODE_FILTER, TSYNC, header) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"seccomp: {os.strerror(error)}")


def instructions(machine: str, pid: int) -> Iterator[bytes]:
    """The filter, one instruction of 8 bytes after the other."""
    column = list(ARCHITECTURES).index(machine)
    yield _step(LOAD, ARCHITECTURE)
    yield _step(JUMP_EQUAL, ARCHITECTURES[machine], 1, 0)
    yield _step(RETURN, KILL_PROCESS)
    yield _step(LOAD, NUMBER)
    if machine == "x86_64":
        yield _step(JUMP_GREATER_EQUAL, X32, 0, 1)
        yield _step(RETURN, KILL_PROCESS)
    for numbers in CALLS.values():
        if numbers[column] is not None:
            yield _step(JUMP_EQUAL, numbers[column] or 0, 0, 1)
            yield _step(RETURN, ALLOW)
    number = {name: numbers[column] for name, numbers in BY_ARGUMENT.items()}
    rules: list[tuple[str, int, int, tuple[int, ...]]] = [
        ("clone", 0, JUMP_SET, (CLONE_THREAD,)), ("kill", 0, JUMP_EQUAL, (pid,)), ("tgkill", 0, JUMP_EQUAL, (pid,)),
        ("prctl", 0, JUMP_EQUAL, (PR_SET_NAME,)), ("prlimit64", 0, JUMP_EQUAL, (0,)), ("fcntl", 1, JUMP_EQUAL, FCNTL),
        ("ioctl", 1, JUMP_EQUAL, IOCTL),
    ]  # fmt: skip
    # each block: is it this call? load the argument, compare with each value, allow or refuse
    for name, place, jump, values in rules:
        yield _step(JUMP_EQUAL, number[name], 0, 2 * len(values) + 2)
        yield _step(LOAD, ARGUMENTS + 8 * place)  # the lower half: both machines are little-endian
        for value in values:
            yield _step(jump, value, 0, 1)
            yield _step(RETURN, ALLOW)
        yield _step(RETURN, ERRNO | EPERM)
    yield _step(JUMP_EQUAL, number["clone3"], 0, 1)
    yield _step(RETURN, ERRNO | ENOSYS)
    yield _step(RETURN, ERRNO | EPERM)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
