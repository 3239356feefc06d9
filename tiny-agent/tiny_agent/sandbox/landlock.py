"""Landlock: the process gives up every file that it doesn't name, for good (kernel 5.13 and later, landlock(7)).

A ruleset says which rights are taken away; a rule gives some of them back below one path. There is no way to widen it
afterwards, for the process, its threads, or whatever it starts. From ABI 4 on TCP goes too, from ABI 6 on signals and
abstract sockets to anybody outside.

Three system calls, which the C library doesn't wrap: create a ruleset, add a rule, restrict oneself.
"""

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same numbers on x86-64 and aarch64
VERSION = 1  # flag of CREATE_RULESET: only ask for the ABI
PATH_BENEATH = 1
WRITE_FILE, READ_FILE, READ_DIR, REMOVE_FILE, MAKE_FILE = (1 << bit for bit in (1, 2, 3, 5, 8))
FILE_RIGHTS = 0b111  # what a rule on a file that is no folder may give
TRUNCATE = 1 << 14
RIGHTS = {1: 1 << 13, 2: 1 << 14, 3: 1 << 15, 4: 1 << 15, 5: 1 << 16}  # by ABI: one above the highest right
READ = READ_FILE | READ_DIR
# Plain files only: no folders, whose depth could outgrow what we can clear away, no links, pipes or devices.
READ_WRITE = READ | WRITE_FILE | REMOVE_FILE | MAKE_FILE | TRUNCATE
TCP = 0b11
SCOPES = 0b11  # abstract sockets, signals

_libc = ctypes.CDLL(None, use_errno=True)


def abi() -> int:
    """The version that the kernel has; 0 if none, or switched off."""
    found = int(_libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), VERSION))
    return max(found, 0)


def restrict(readable: Iterable[Path], writable: Iterable[Path]) -> None:
    """From now on nothing but these paths, and what is below them. OSError if the kernel refuses.

    no_new_privs must be set. Paths that don't exist are left out.
    """
    version = abi()
    if version < 1:
        raise OSError(0, "the kernel has no Landlock")
    handled = RIGHTS[min(version, 5)] - 1
    tcp = TCP if version >= 4 else 0
    scopes = SCOPES if version >= 6 else 0
    attributes = struct.pack("=QQQ", handled, tcp, scopes)[: 24 if version >= 6 else 16 if version >= 4 else 8]
    ruleset = _call(CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    try:
        for paths, rights in ((readable, READ), (writable, READ_WRITE)):
            for path in paths:
                if path.exists():
                    _allow(ruleset, path, rights & handled)
        _call(RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not path.is_dir():
            rights &= FILE_RIGHTS | TRUNCATE
        _call(ADD_RULE, ruleset, PATH_BENEATH, struct.pack("=Qi", rights, descriptor), 0)
    finally:
        os.close(descriptor)


def _call(*arguments: object) -> int:
    found = int(_libc.syscall(*arguments))
    if found < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"landlock: {os.strerror(error)}")
    return found
