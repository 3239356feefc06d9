"""A tuning run on disk: whatever the method, it can be killed and goes on to the same result, bit for bit.

tuning.json     the method, its settings, and fingerprints of base model and data
log.jsonl       loss and the method's numbers
checkpoints/    weights that are trained, the optimizer's moments and the step
...             the result: a model folder, an adapter or a scorer; written at the end
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tiny_llama3 import run_folder
from tiny_llama3.align.tuning import Tuner
from tiny_llama3.problem import Problem
from tiny_llama3.run_folder import Write

REPORT_EVERY = 5  # steps
SAVE_EVERY_S = 30.0

Row = dict[str, Any]


@dataclass
class TuningRun:
    """`start` or `resume` one, then `train`. `save_result` writes what was made."""

    folder: Path
    tuner: Tuner
    write: Write
    save_result: Callable[[], object]
    save_every_s: float = SAVE_EVERY_S
    rows: list[Row] = field(default_factory=list)
    seconds: float = 0.0  # of steps so far
    saved: int = 0  # the step of the newest checkpoint

    def start(self, description: dict[str, Any]) -> None:
        """Raises Problem if the folder holds a run."""
        if (self.folder / "tuning.json").exists():
            raise Problem(f"{self.folder.as_posix()} holds a run already; go on with --resume, or name another --out")
        self._log({"measured": self.tuner.method.measure()}, lambda row: None)
        self.write(self.folder / "tuning.json", _as_json(description))

    def resume(self, description: dict[str, Any]) -> None:
        """Goes on at the newest checkpoint. Raises Problem if it was another run."""
        kept = read_description(self.folder)
        for name, value in description.items():
            if kept.get(name) != json.loads(json.dumps(value)):
                raise Problem(f"{self.folder.as_posix()}: {name} is not as it was when the run began; bring it back, "
                              "or start anew in another folder")  # fmt: skip
        self.rows = run_folder.read_log(self.folder)
        found = run_folder.checkpoints(self.folder)
        if found:
            tensors, numbers = run_folder.read_checkpoint(found[-1])
            try:
                self.tuner.restore(tensors, int(numbers["step"]))
                self.seconds = float(numbers["seconds"])
            except (Problem, KeyError) as error:
                raise Problem(f"{found[-1].as_posix()}: {error}; it belongs to another run") from None
        self.saved = self.tuner.step
        self.rows = [row for row in self.rows if row["step"] <= self.tuner.step]

    def train(
        self, on_step: Callable[[float], object] = lambda loss: None, on_row: Callable[[Row], object] = lambda row: None
    ) -> Row:
        """To the last step; returns the last row, with what was measured before and after."""
        method, steps = self.tuner.method, self.tuner.config.steps
        saved = time.monotonic()
        while self.tuner.step < steps:
            start = time.monotonic()
            loss = self.tuner.train_step()
            self.seconds += time.monotonic() - start
            on_step(loss)
            if self.tuner.step % REPORT_EVERY == 0 or self.tuner.step == steps:
                self._log({"loss": loss} | method.numbers, on_row)
            if self.tuner.step == steps or time.monotonic() - saved > self.save_every_s:
                self.save()
                saved = time.monotonic()
        first = [row["measured"] for row in self.rows if row["step"] == 0 and "measured" in row]
        before: dict[str, float] = first[0] if first else {}
        row = {"measured": method.measure(), "before": before}
        self.save_result()
        if "before" not in self.rows[-1]:
            self._log(row, on_row)
        return self.rows[-1]

    def save(self) -> None:
        numbers = {"seconds": self.seconds}
        run_folder.write_checkpoint(self.folder, self.tuner.step, self.tuner.state(), numbers, self.write)
        self.saved = self.tuner.step

    def _log(self, values: Row, on_row: Callable[[Row], object]) -> None:
        self.rows.append({"step": self.tuner.step, "seconds": round(self.seconds, 2)} | values)
        run_folder.write_log(self.folder, self.rows, self.write)
        on_row(self.rows[-1])


def read_description(folder: Path) -> dict[str, Any]:
    """Raises Problem where tuning.json is missing or damaged."""
    path = folder / "tuning.json"
    if not path.is_file():
        raise Problem(f"{folder.as_posix()} holds no run to go on with; check the path, or leave out --resume")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Problem(f"{path.as_posix()}: not JSON ({error}); start anew in another folder") from None
    if not isinstance(content, dict):
        raise Problem(f"{path.as_posix()}: does not describe a run; start anew in another folder")
    return content


def _as_json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()
