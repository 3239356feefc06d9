"""A track's commands as child processes: what they print goes to the terminal and into a log, their JSON comes back."""

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tiny_shared import UserError

ROOT = Path(__file__).resolve().parents[1]
VARIABLES = ("OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_MODEL", "OPENAI_EMBEDDING_MODEL")


class Tracks:
    """Runs `python main.py …` in a track. Logs go to `logs`; the commands that were run are kept for the page."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.ran: list[dict[str, str]] = []

    def call(self, track: str, log: str, *words: object, env: Mapping[str, str] | None = None) -> Any:
        """The JSON document that a command prints; its words are added to what the page shows.

        `log` names two files: LOG.json, exactly what it printed, and LOG.log, what it said on the way. Raises UserError
        with the command's own last line if it fails.
        """
        command = [given(word, track) for word in words]
        self.logs.mkdir(parents=True, exist_ok=True)
        self.ran.append({"track": track, "command": shown(command), "log": f"logs/{log}.json"})
        said = b""
        with open(self.logs / f"{log}.json", "wb") as out, open(self.logs / f"{log}.log", "wb") as kept:
            child = started(track, command, out, subprocess.PIPE, env)
            try:
                assert child.stderr
                while piece := child.stderr.read1(4096):  # type: ignore[attr-defined]
                    kept.write(piece)
                    sys.stderr.buffer.write(piece)
                    sys.stderr.flush()
                    said = (said + piece)[-4000:]
                code = child.wait()
            except BaseException:
                ended(child, 3.0)
                raise
        if code in (130, -signal.SIGINT):
            raise KeyboardInterrupt
        if code < 0:
            how = "there may be too little memory" if code == -signal.SIGKILL else "run it again, it goes on"
            raise UserError(f"{track}: {shown(command)[:80]}… was ended by signal {-code}; {how}")
        if code:
            lines = [line for line in said.decode("utf-8", "replace").replace("\r", "\n").splitlines() if line.strip()]
            last = lines[-1].removeprefix("error: ") if lines else f"exit code {code}"
            raise UserError(f"{track}: {shown(command)[:80]}… failed: {last}")
        text = (self.logs / f"{log}.json").read_text(encoding="utf-8")
        return json.loads(text) if text.lstrip()[:1] in ("{", "[") else None

    @contextlib.contextmanager
    def served(self, folder: Path, name: str, log: str) -> Iterator[str]:
        """tiny-llama3's server with a model while the block runs; gives its address."""
        self.logs.mkdir(parents=True, exist_ok=True)
        words = ["main.py", "serve", "--model", given(folder, "tiny-llama3"), "--name", name, "--port", "0", "--json"]
        self.ran.append({"track": "tiny-llama3", "command": shown(words), "log": f"logs/{log}.log"})
        with open(self.logs / f"{log}.log", "wb") as kept:
            child = started("tiny-llama3", words, subprocess.PIPE, kept, {"SERVE_TOKEN": ""})
            try:
                assert child.stdout
                document = b""
                while not document.rstrip().endswith(b"}"):
                    line = child.stdout.readline()
                    if not line:
                        text = (self.logs / f"{log}.log").read_text(encoding="utf-8", errors="replace").strip()
                        raise UserError(
                            f"the server didn't start: {text.splitlines()[-1] if text else 'it was silent'}"
                        )
                    document += line
                kept.write(document)
                yield str(json.loads(document)["url"])
            finally:
                ended(child)


def started(
    track: str, words: list[str], out: Any, err: Any, env: Mapping[str, str] | None
) -> "subprocess.Popen[bytes]":
    """`env` is added to ours, from which a configured model server is taken out: a step says itself what it asks."""
    clean = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    child = [sys.executable, "-m", "universe.child", str(os.getpid()), sys.executable, *words]
    clean["PYTHONPATH"] = str(ROOT)  # where universe.child is
    return subprocess.Popen(
        child, cwd=ROOT / track, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=clean | dict(env or {})
    )


def ended(child: "subprocess.Popen[bytes]", patience_s: float = 0.0) -> None:
    """Wait for `patience_s` (Ctrl-C in a terminal reaches the child, too), then Ctrl-C it, at last kill it."""
    for wait_s, signal_number in ((patience_s, signal.SIGINT), (15.0, signal.SIGKILL)):
        try:
            child.wait(wait_s)
            return
        except subprocess.TimeoutExpired:
            child.send_signal(signal_number)
    child.wait()


def given(word: object, track: str) -> str:
    """A path in the repository is given relative to the track, as one would type it there."""
    path = Path(str(word)) if isinstance(word, Path) else None
    return os.path.relpath(path, ROOT / track) if path and path.is_relative_to(ROOT) else str(word)


def shown(words: list[str]) -> str:
    """As one would type it."""
    return shlex.join(["python", *words])
