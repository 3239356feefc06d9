"""What makes a Python refuse, and write down, every attempt to reach beyond this machine.

A file named sitecustomize.py is imported at a Python's start, from wherever PYTHONPATH leads. An attempt is refused,
and told in ATTEMPTS, even where the program catches the error and goes on.
"""

from pathlib import Path

SITECUSTOMIZE = """\
import sys

ASKS = {"socket.connect": 1, "socket.sendto": 1, "socket.getaddrinfo": 0, "socket.gethostbyname": 0}

def refuse(event, arguments):
    if event not in ASKS:
        return
    address = arguments[ASKS[event]]
    host = address[0] if isinstance(address, tuple) else address
    if host is None or str(host).startswith(("127.", "::1", "localhost", "/")):
        return
    with open(ATTEMPTS, "a", encoding="utf-8") as file:
        file.write(f"{event} {host}\\n")
    raise OSError(f"{event} {host}: this run has no network")

sys.addaudithook(refuse)
"""


def block(folder: Path, attempts: Path) -> None:
    """For a Python whose PYTHONPATH is that folder. `attempts` must be a file that its user may write."""
    folder.mkdir(parents=True, exist_ok=True)
    code = f"ATTEMPTS = {str(attempts)!r}\n{SITECUSTOMIZE}"
    (folder / "sitecustomize.py").write_text(code, encoding="utf-8")
    attempts.touch()
