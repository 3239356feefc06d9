"""Replay a track's Dockerfile in an empty folder, without Docker: does what it copies suffice to install and run?

The build context is the repository's root, thinned out by Dockerfile.dockerignore, as `make docker` sends it. The
image's file system is a temporary folder, its Python a fresh virtual environment; the final CMD runs with nothing but
the image's own variables, and without network: an attempt to reach one fails the replay. What only a real container can
do (adding users, installing Debian packages) is skipped, and said.

Run from the repository's root: python -m tools.docker_replay TRACK
"""

import contextlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from tools import no_network
from tools.dockerfile import Step, commands, ignored, parse

SKIPPED = {
    "useradd": "it would add a user to this machine",
    "groupadd": "it would add a group to this machine",
    "chown": "it needs the users of the image",
    "apt-get": "it would change this machine's packages",
}
PIP_INDEXES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL")
NOBODY = 65534
DEAD_END = "http://127.0.0.1:9"  # the discard port: nobody listens there


class ReplayError(Exception):
    """A Dockerfile that cannot be replayed, or a step that failed; the message starts with `Dockerfile:line`."""


@dataclass
class Replay:
    """The image as far as it is built: a folder for its files, a virtual environment for its Python."""

    context: Path
    ignore: list[str]
    folder: Path
    workdir: PurePosixPath = field(default_factory=lambda: PurePosixPath("/"))
    user: str = "root"
    users: set[str] = field(default_factory=set)
    environment: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)

    @property
    def binaries(self) -> Path:
        return self.folder / "venv" / ("Scripts" if os.name == "nt" else "bin")

    def inside(self, path: str) -> Path:
        """Where a path of the image lies on this machine."""
        absolute = os.path.normpath(self.workdir / path)
        return self.folder / "image" / Path(absolute).relative_to(Path(absolute).anchor)

    def step(self, step: Step) -> None:
        known = {
            "FROM": self._from, "ARG": self._arg, "ENV": self._env, "WORKDIR": self._workdir, "COPY": self._copy,
            "RUN": self._run, "USER": self._user, "CMD": self._cmd,
        }  # fmt: skip
        if step.name not in known:
            raise ValueError(f"{step.name} is not among the instructions that the replay knows: {', '.join(known)}")
        known[step.name](step.rest)

    def _from(self, image: str) -> None:
        if self.binaries.exists():
            raise ValueError("a second FROM; the replay knows one stage")
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        if not image.startswith(f"python:{version}"):
            print(f"  note: Python {version} stands in for {image}")
        subprocess.run([sys.executable, "-m", "venv", str(self.folder / "venv")], check=True)

    def _arg(self, rest: str) -> None:
        name, given, default = rest.partition("=")
        if name in PIP_INDEXES and name not in os.environ and self._pip_has_an_index():
            print(f"  skipped: {name} (pip has an index of its own on this machine)")
        elif given:
            self.arguments[name] = os.environ.get(name, default)

    def _pip_has_an_index(self) -> bool:
        """As in track.mk: who has set up a mirror or an offline folder is left alone."""
        command = [str(self.binaries / "python"), "-m", "pip", "config", "list"]
        listed = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout
        return any(f"{setting}=" in listed for setting in ("index-url", "find-links", "no-index"))

    def _env(self, rest: str) -> None:
        for pair in shlex.split(rest):
            name, given, value = pair.partition("=")
            if not given or "$" in value:
                raise ValueError(f"ENV {pair}: the replay knows NAME=value without variables")
            self.environment[name] = str(self.inside(value)) if value.startswith("/") else value

    def _workdir(self, path: str) -> None:
        self.workdir /= path
        self.inside(".").mkdir(parents=True, exist_ok=True)

    def _user(self, name: str) -> None:
        if name not in self.users:
            raise ValueError(f"no RUN useradd made a user {name!r}")
        self.user = name

    def _cmd(self, rest: str) -> None:
        self.command = json.loads(rest)

    def _copy(self, rest: str) -> None:
        *sources, target = [word for word in shlex.split(rest) if not word.startswith("--chown=")]
        for source in sources:
            origin = self.context / source
            goal = self.inside(target)
            if origin.is_file() and (target.endswith(("/", ".")) or len(sources) > 1):
                goal /= origin.name
            copied = 0
            for file in [origin] if origin.is_file() else self._files(origin):
                if not self._ignored(file):
                    destination = goal if file == origin else goal / file.relative_to(origin)
                    destination.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(file, destination)
                    copied += 1
            if not copied:
                raise ValueError(f"COPY {source}: nothing of it is in the build context")

    def _ignored(self, path: Path) -> bool:
        return ignored(self.ignore, PurePosixPath(path.relative_to(self.context).as_posix()))

    def _files(self, folder: Path) -> Iterator[Path]:
        """All files below; an ignored folder isn't entered, so nothing below it can be brought back by a `!`."""
        for parent, folders, files in os.walk(folder):
            folders[:] = [name for name in folders if not self._ignored(Path(parent, name))]
            yield from (Path(parent, name) for name in files)

    def _run(self, rest: str) -> None:
        hidden = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")
        environment = {name: value for name, value in os.environ.items() if name not in hidden}
        environment |= self.environment | self.arguments | {"PATH": f"{self.binaries}{os.pathsep}{os.environ['PATH']}"}
        for words in commands(rest):
            if words[0] in SKIPPED:
                print(f"  skipped: {shlex.join(words)} ({SKIPPED[words[0]]})")
                if words[0] == "useradd":
                    self.users.add(words[-1])
                    self.inside(f"/home/{words[-1]}").mkdir(parents=True)
                continue
            words = [str(self.inside(word)) if word.startswith("/") else word for word in words]
            if words[0] in ("pip", "pip3"):
                words[:1] = ["python", "-m", "pip"]
            words[0] = shutil.which(words[0], path=environment["PATH"]) or words[0]
            subprocess.run(words, cwd=self.inside("."), env=environment, check=True)

    def run_command(self) -> None:
        """The image's CMD, as an unprivileged user where this machine allows it, and cut off from the network."""
        if not self.command:
            raise ReplayError("the Dockerfile has no CMD")
        if self.user == "root":
            raise ReplayError("the image would run as root; add RUN useradd --create-home NAME, and USER NAME")
        home = self.inside(f"/home/{self.user}")
        environment = {"PATH": f"{self.binaries}{os.pathsep}{os.defpath}", "LANG": "C.UTF-8", "HOME": str(home)}
        environment |= {name: os.environ[name] for name in ("SYSTEMROOT", "TEMP") if name in os.environ}  # Windows
        environment |= self.environment
        python = shutil.which(self.command[0], path=environment["PATH"]) or self.command[0]
        attempts = home / ".network-attempts"
        no_network.block(self.folder / "blocker", attempts)
        environment["PYTHONPATH"] = str(self.folder / "blocker")
        identity = self._unprivileged(python, home)
        wrapper = _without_network(identity)
        if not wrapper:
            print("  note: no `unshare` here; proxies that lead nowhere stand in for a missing network")
            environment |= dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), DEAD_END)
        done = subprocess.run([*wrapper, python, *self.command[1:]], cwd=self.inside("."), env=environment, **identity)
        if done.returncode:
            raise ReplayError(f"{shlex.join(self.command)} exited with {done.returncode}")
        asked = attempts.read_text(encoding="utf-8").splitlines() if attempts.exists() else []
        if asked:
            raise ReplayError(f"{shlex.join(self.command)} asked for the network: {asked[0]}")

    def _unprivileged(self, python: str, home: Path) -> dict[str, Any]:
        """What makes subprocess.run drop root's rights, as USER does; nothing, if that isn't possible here."""
        if os.name != "posix" or os.geteuid() != 0:
            return {}
        self.folder.chmod(0o755)
        identity: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        try:
            subprocess.run([python, "-c", ""], check=True, cwd=self.inside("."), env={}, **identity)
        except (OSError, subprocess.CalledProcessError):
            print("  note: other users may not run this machine's Python, so CMD runs as root")
            return {}
        for path in (home, *home.iterdir()):
            os.chown(path, NOBODY, NOBODY)
        return identity


def _without_network(identity: dict[str, Any]) -> list[str]:
    """The `unshare` command that starts a program in a network of its own, empty; none, if that isn't possible here."""
    if not shutil.which("unshare"):
        return []
    for options in ("-cn", "-rn", "-n"):  # as oneself, as root of a user namespace, as root
        tried = subprocess.run(["unshare", options, "true"], capture_output=True, **identity)
        if tried.returncode == 0:
            return ["unshare", options]
    return []


def replay(track: Path) -> None:
    """All steps of track/Dockerfile, each with its time; raises ReplayError at the first that fails."""
    steps = parse((track / "Dockerfile").read_text(encoding="utf-8"))
    patterns = (track / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        image = Replay(track.parent, patterns, Path(temporary).resolve())
        for step in steps:
            print(f"{step.name} {step.rest}", flush=True)
            with _timed():
                try:
                    image.step(step)
                except (ValueError, OSError, subprocess.CalledProcessError) as error:
                    raise ReplayError(f"{track.name}/Dockerfile:{step.line}: {error}") from error
        print(f"running {shlex.join(image.command)}", flush=True)
        with _timed():
            image.run_command()
        files = (file for file in Path(temporary).rglob("*") if file.is_file() and not file.is_symlink())
        size = sum(file.stat().st_size for file in files)
        print(f"{track.name}: replayed; {size / 1e6:.0f} MB beside the base image")


@contextlib.contextmanager
def _timed() -> Iterator[None]:
    start = time.perf_counter()
    yield
    print(f"  {time.perf_counter() - start:.1f} s", flush=True)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("error: name one track; python -m tools.docker_replay tiny-rag", file=sys.stderr)
        return 2
    try:
        replay(Path(arguments[0]).resolve())
    except (ReplayError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
