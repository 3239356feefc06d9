"""A run: train, measure after every epoch, and keep on disk what is needed to translate and to go on.

The log is written before the state that goes with it. So after a kill the log may hold rows too many, which resuming
drops, but never too few.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from tiny_transformer import run_folder
from tiny_transformer.batches import Pair
from tiny_transformer.model import Transformer, TransformerConfig
from tiny_transformer.recipe import averaged
from tiny_transformer.run_folder import BadFolder, Write
from tiny_transformer.tasks.task import Task, Texts
from tiny_transformer.training import Trainer, TrainingConfig, load_weights, own_weights
from tiny_transformer.translator import Translator

REPORT_EVERY = 20  # steps between rows of the log
SAVE_EVERY_S = 30.0
SCORED = 1_000  # validation texts that are translated for the score

Score = Callable[[str, Sequence[str], Sequence[str]], float]  # metric, translations, references


@dataclass
class Run:
    """`start` or `resume` one, then `train`."""

    folder: Path
    task: Task
    trainer: Trainer
    write: Write
    rows: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0  # of training so far, validation and interruptions not counted
    saved: int = 0  # the step of the state on disk

    @classmethod
    def start(
        cls,
        folder: Path,
        task: Task,
        model: TransformerConfig,
        training: TrainingConfig,
        made_from: dict[str, Any],
        device: str,
        write: Write,
    ) -> "Run":
        if (folder / "config.json").exists():
            raise BadFolder(
                f"{folder.as_posix()} holds a run already; continue it with --resume, or name another --out"
            )
        torch.manual_seed(training.seed)
        trainer = Trainer(Transformer(model), task.encoded(task.train), training, device)
        run = cls(folder, task, trainer, write)
        run.save()
        # last: with config.json it is a run, and can be resumed
        run_folder.write_description(folder, task, made_from | {"digest": digest(task.train)}, model, training, write)
        return run

    @classmethod
    def resume(cls, folder: Path, task: Task, device: str, write: Write) -> "Run":
        """`task` is the one that `made_from` describes."""
        description = run_folder.read_description(folder)
        if description.made_from.get("digest") != digest(task.train):
            raise BadFolder(
                f"{folder.as_posix()}: the training texts are not those that the run began with; bring them back, or "
                "start anew in another folder"
            )
        trainer = Trainer(Transformer(description.model), task.encoded(task.train), description.training, device)
        tensors, numbers = run_folder.read_state(folder)
        try:
            trainer.restore(tensors, numbers)
        except (ValueError, KeyError) as error:
            raise BadFolder(f"{folder.as_posix()}/state.safetensors: {error}; it belongs to another run") from None
        here = trainer.epoch, trainer.step  # at the end of an epoch, the step alone does not tell before from after
        rows = [
            row for row in run_folder.read_log(folder) if (row["epoch"], row["step"]) <= here and not row.get("final")
        ]
        return cls(folder, task, trainer, write, rows, numbers["seconds"], trainer.step)

    def train(
        self,
        score: Score,
        on_step: Callable[[], object] = lambda: None,
        on_row: Callable[[dict[str, Any]], object] = lambda row: None,
    ) -> dict[str, Any]:
        """Until the last epoch; returns the last row of the log.

        Ctrl-C saves nothing: in the middle of a step, or of a measurement, there is no state from which to go on.
        """
        while not self.trainer.finished:
            self._train_epoch(on_step, on_row)
            self._after_epoch(score, on_row)
        return self._finish(score, on_row)

    def _train_epoch(self, on_step: Callable[[], object], on_row: Callable[[dict[str, Any]], object]) -> None:
        saved = last = time.monotonic()
        for step in self.trainer.steps():
            now = time.monotonic()
            self.seconds, last = self.seconds + now - last, now
            if step % REPORT_EVERY == 0:
                self._log({"train_loss": self.trainer.mean_loss(), "rate": self.trainer.rate}, on_row)
            if now - saved > SAVE_EVERY_S:
                self.save()
                saved = last = time.monotonic()
            on_step()

    def _after_epoch(self, score: Score, on_row: Callable[[dict[str, Any]], object]) -> None:
        trainer, epoch = self.trainer, self.trainer.epoch
        row = {"validation_loss": trainer.loss_on(self.valid_pairs)}
        if epoch % trainer.config.score_every == 0:
            row[self.task.metric] = self._score(score)
        self._log(row, on_row)
        run_folder.write_weights(run_folder.epoch_file(self.folder, epoch), own_weights(trainer.model), self.write)
        run_folder.write_weights(run_folder.model_file(self.folder), self._averaged(), self.write)
        self.save()
        run_folder.epoch_file(self.folder, epoch - trainer.config.average).unlink(missing_ok=True)

    def _averaged(self) -> dict[str, torch.Tensor]:
        last = self.trainer.epoch
        epochs = range(max(1, last - self.trainer.config.average + 1), last + 1)
        return averaged([run_folder.read_weights(run_folder.epoch_file(self.folder, epoch)) for epoch in epochs])

    def _finish(self, score: Score, on_row: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        load_weights(self.trainer.model, self._averaged())
        loss = self.trainer.loss_on(self.valid_pairs)
        self._log({"final": True, "validation_loss": loss, self.task.metric: self._score(score)}, on_row)
        return self.rows[-1]

    @cached_property
    def valid_pairs(self) -> list[Pair]:
        return self.task.encoded(self.task.valid)

    def _score(self, score: Score) -> float:
        translator = Translator(
            self.trainer.model, self.task.source_vocabulary, self.task.target_vocabulary, self.trainer.device
        )
        texts = self.task.valid[:SCORED]
        translations = translator.translate([source for source, _ in texts])
        return score(self.task.metric, translations, [target for _, target in texts])

    def _log(self, values: dict[str, Any], on_row: Callable[[dict[str, Any]], object]) -> None:
        place = {"step": self.trainer.step, "epoch": self.trainer.epoch, "seconds": round(self.seconds, 1)}
        self.rows.append(place | values)
        run_folder.write_log(self.folder, self.rows, self.write)
        on_row(self.rows[-1])

    def save(self) -> None:
        tensors, numbers = self.trainer.state()
        run_folder.write_state(self.folder, tensors, numbers | {"seconds": self.seconds}, self.write)
        self.saved = self.trainer.step


def digest(pairs: Sequence[Texts]) -> str:
    """The same for the same texts in the same order."""
    hashed = hashlib.sha256()
    for source, target in pairs:
        hashed.update(f"{len(source)} {len(target)} {source}{target}".encode("utf-8", errors="surrogatepass"))
    return hashed.hexdigest()
