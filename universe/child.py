"""Run a command that dies with us: python -m universe.child PARENT COMMAND…, PARENT being our process number

Should the loop be killed, a training run that it had started would go on and get in the way of the next one. Linux can
send a signal to a process when its parent is gone; elsewhere this only runs the command.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it was gone before we asked
            sys.exit(1)
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
