"""A run: train, measure, keep on disk the best model and what is needed to go on.

Everything of a step is on disk before the checkpoint of that step. So after a kill the log and the best model may be
ahead of the checkpoint; going on, the rows ahead are dropped and come again, the same as before.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
import torch

from tiny_llama3 import data_parallel, hub, run_folder
from tiny_llama3.batches import Batch, Batches, Tokens, in_order
from tiny_llama3.model import Llama
from tiny_llama3.presets import training_flops
from tiny_llama3.problem import Problem
from tiny_llama3.run_folder import Description, Write
from tiny_llama3.sampling import Sampling
from tiny_llama3.shards import Shards, digest
from tiny_llama3.tokenizer import Tokenizer
from tiny_llama3.training import Trainer
from tiny_llama3.writing import write_on

REPORT_EVERY = 10  # steps between rows of the log
SAVE_EVERY_S = 60.0
MEASURED_ROWS = 512  # of the validation tokens
SAMPLE_TOKENS = 80

Row = dict[str, Any]


@dataclass(frozen=True)
class Data:
    """What a run learns from, and is measured on."""

    train: Tokens
    valid: Tokens
    tokenizer: Tokenizer
    bytes_per_token: float  # of the validation text, for the loss in bits a byte
    digest: str  # another one is other data

    @classmethod
    def open(cls, folder: Path) -> "Data":
        """What `data prepare` made. Raises Problem where there is none."""
        train, valid = Shards.open(folder, "train"), Shards.open(folder, "valid")
        asked = len(valid) - valid.documents  # of all tokens but BOS
        return cls(train, valid, Tokenizer.load(folder), valid.bytes / asked, digest(folder))

    @property
    def first_id(self) -> int | None:
        return self.tokenizer.bos_id


@dataclass
class Run:
    """`start` or `resume` one, then `train`."""

    folder: Path
    description: Description
    data: Data
    trainer: Trainer
    write: Write
    peak_flops: float = math.nan  # a second, of this machine's matrix products; for MFU
    rows: list[Row] = field(default_factory=list)
    seconds: float = 0.0  # of training steps so far; measuring, saving and interruptions not counted
    best: float = math.inf  # validation loss
    loss_sum: float = 0.0  # of the steps since the last row
    loss_count: int = 0
    saved: int = -1  # the step of the newest checkpoint

    @classmethod
    def start(
        cls,
        folder: Path,
        description: Description,
        data: Data,
        write: Write,
        device: str = "cpu",
        peak_flops: float = math.nan,
        trainer: Trainer | None = None,
    ) -> "Run":
        """`trainer` may be one that planning has compiled. Raises Problem if the folder holds a run."""
        if (folder / "run.json").exists():
            raise Problem(f"{folder.as_posix()} holds a run already; go on with --resume, or name another --out")
        if trainer is None:
            trainer = new_trainer(description, data, device)
        trainer.config = description.training
        run = cls(folder, description, data, trainer, write, peak_flops)
        if run.leads:
            run._measure(lambda row: None)  # before the first step: the model folder is there from the beginning
            run.save()
            run_folder.write_description(folder, description, write)  # last: with it, it is a run
        return run

    @classmethod
    def resume(cls, folder: Path, data: Data, write: Write, device: str = "cpu", peak_flops: float = math.nan) -> "Run":
        """Goes on at the newest checkpoint. Raises Problem if it can't be read, or the data is not the same."""
        description = run_folder.read_description(folder)
        if description.data.get("digest") != data.digest:
            raise Problem(f"{folder.as_posix()}: the data is not that which the run began with; bring it back, or "
                          "start anew in another folder")  # fmt: skip
        found = run_folder.checkpoints(folder)
        if not found:
            raise Problem(f"{folder.as_posix()}/checkpoints is empty; start anew in another folder")
        tensors, numbers = run_folder.read_checkpoint(found[-1])
        trainer = new_trainer(description, data, device)
        try:
            step = int(numbers.pop("step"))
            trainer.restore(tensors, step)
            rows = [row for row in run_folder.read_log(folder) if row["step"] <= step]
            return cls(folder, description, data, trainer, write, peak_flops, rows, **numbers, saved=step)  # type: ignore[arg-type]
        except (Problem, KeyError, TypeError) as error:
            raise Problem(f"{found[-1].as_posix()}: {error}; it belongs to another run") from None

    @property
    def leads(self) -> bool:
        """Of several processes, one measures and writes."""
        return data_parallel.rank() == 0

    def train(
        self, on_step: Callable[[float], object] = lambda loss: None, on_row: Callable[[Row], object] = lambda row: None
    ) -> Row:
        """To the last step; returns the last measurement. Ctrl-C loses what came after the newest checkpoint."""
        steps, every = self.description.training.steps, self.description.training.evaluate_every
        saved = time.monotonic()
        while self.trainer.step < steps:
            start = time.monotonic()
            loss = self.trainer.train_step()
            self.seconds += time.monotonic() - start
            self.loss_sum, self.loss_count = self.loss_sum + loss, self.loss_count + 1
            step = self.trainer.step
            on_step(loss)
            if not self.leads:
                continue
            if step % REPORT_EVERY == 0 or step == steps:
                self._report(on_row)
            if step % every == 0 or step == steps:
                self._measure(on_row)
            if step % every == 0 or step == steps or time.monotonic() - saved > SAVE_EVERY_S:
                self.save()
                saved = time.monotonic()
        return next((row for row in reversed(self.rows) if "validation_loss" in row), {})

    def save(self) -> None:
        numbers = {"seconds": self.seconds, "best": self.best, "loss_sum": self.loss_sum,
                   "loss_count": self.loss_count}  # fmt: skip
        run_folder.write_checkpoint(self.folder, self.trainer.step, self.trainer.state(), numbers, self.write)
        self.saved = self.trainer.step

    def _report(self, on_row: Callable[[Row], object]) -> None:
        c = self.description.training
        tokens_per_s = self.trainer.step * c.tokens_per_step / self.seconds
        row = {"train_loss": self.loss_sum / self.loss_count, "rate": self.trainer.rate_share,
               "tokens_per_s": round(tokens_per_s), "memory_mb": round(memory_mb(self.trainer.device))}  # fmt: skip
        if math.isfinite(self.peak_flops):
            row["mfu"] = round(tokens_per_s * training_flops(self.description.model, c.sequence) / self.peak_flops, 4)
        self.loss_sum, self.loss_count = 0.0, 0
        self._log(row, on_row)

    def _measure(self, on_row: Callable[[Row], object]) -> None:
        """Validation loss and a sample; the model is kept if it is the best so far."""
        loss = self.trainer.loss_on(self.valid_batches)
        text = write_on(self.trainer.model, self.data.tokenizer, [self.description.prompt], SAMPLE_TOKENS,
                        Sampling(temperature=0.8, top_p=0.95), seed=self.trainer.step)[0]  # fmt: skip
        self._log({"validation_loss": loss, "bits_per_byte": loss / math.log(2) / self.data.bytes_per_token,
                   "sample": text.prompt + text.text}, on_row)  # fmt: skip
        if loss < self.best:
            self.best = loss
            hub.save(self.folder, self.trainer.model, self.data.tokenizer, self.write)

    @cached_property
    def valid_batches(self) -> list[Batch]:
        c = self.description.training
        return in_order(self.data.valid, c.sequence, c.micro_rows, self.data.first_id, MEASURED_ROWS)

    def _log(self, values: Row, on_row: Callable[[Row], object]) -> None:
        step = self.trainer.step
        place = {"step": step, "tokens": step * self.description.training.tokens_per_step,
                 "seconds": round(self.seconds, 2)}  # fmt: skip
        self.rows.append(place | values)
        run_folder.write_log(self.folder, self.rows, self.write)
        on_row(self.rows[-1])


def new_trainer(description: Description, data: Data, device: str) -> Trainer:
    """At step 0."""
    c = description.training
    torch.manual_seed(c.seed)
    batches = Batches(data.train, c.sequence, c.batch_rows, data.first_id, c.seed)
    return Trainer(Llama(description.model), batches, c, device)


def memory_mb(device: str) -> float:
    """What this process holds now; on a GPU, the most that it held there."""
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated() / 1e6
    return float(psutil.Process().memory_info().rss / 1e6)
