"""A training run on disk: a model folder that other software loads, and what is needed to go on.

    config.json, model.safetensors, tokenizer.json ...   the best model so far (hub.py)
    run.json        the settings of the run: shape, training, data
    log.jsonl       what was measured; loss.png shows it
    checkpoints/    000200.safetensors: weights, the optimizers' moments and numbers after step 200; the last two

Writing is the caller's: `write(path, bytes)` should put the file in its place at once or not at all.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from tiny_llama3 import config_json
from tiny_llama3.model import LlamaConfig
from tiny_llama3.problem import Problem
from tiny_llama3.training import TrainingConfig

Write = Callable[[Path, bytes], object]
KEPT = 2  # checkpoints


@dataclass(frozen=True)
class Description:
    """What a run was started with."""

    name: str  # of the shape: a preset, or a depth
    model: LlamaConfig
    training: TrainingConfig
    data: dict[str, Any]  # its folder, its digest, and what its manifest says about it
    prompt: str  # of the sample at every evaluation
    plan: dict[str, float]  # what was expected of this machine


def write_description(folder: Path, description: Description, write: Write) -> None:
    """With this file the folder is a run."""
    content = {
        "name": description.name,
        "model": config_json.to_json(description.model, torch.float32),
        "training": asdict(description.training),
        "data": description.data,
        "prompt": description.prompt,
        "plan": description.plan,
    }
    write(folder / "run.json", _as_json(content, indent=2))


def read_description(folder: Path) -> Description:
    """Raises Problem where run.json is missing, damaged or of other content."""
    path = folder / "run.json"
    if not path.is_file():
        raise Problem(f"{folder.as_posix()} holds no run; check the path, or start one with `pretrain --out`")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Description(
            content["name"],
            config_json.from_json(content["model"]),
            _training(content["training"]),
            dict(content["data"]),
            content["prompt"],
            dict(content["plan"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Problem(f"{path.as_posix()}: does not describe a run ({error}); copy the folder again, or start anew "
                      "in another one") from None  # fmt: skip


def _training(values: dict[str, Any]) -> TrainingConfig:
    unknown = sorted(values.keys() - {field.name for field in fields(TrainingConfig)})
    if unknown:
        raise ValueError(f"unknown setting {unknown[0]!r}")
    return TrainingConfig(**values)


def write_checkpoint(
    folder: Path, step: int, tensors: dict[str, Tensor], numbers: dict[str, float], write: Write
) -> None:
    """Tensors and numbers in one file, so that they never disagree; older ones go when the new one is safe."""
    metadata = {"numbers": json.dumps(numbers | {"step": step})}
    write(folder / "checkpoints" / f"{step:06}.safetensors", safetensors.torch.save(tensors, metadata))
    for path in checkpoints(folder)[:-KEPT]:
        path.unlink()


def checkpoints(folder: Path) -> list[Path]:
    """Those on disk, the newest last."""
    return sorted((folder / "checkpoints").glob("*.safetensors"), key=lambda path: (len(path.name), path.name))


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, float]]:
    """Raises Problem for a file that is cut short or something else."""
    try:
        tensors = safetensors.torch.load(path.read_bytes())
        with safe_open(path, "pt") as file:
            numbers = json.loads((file.metadata() or {}).get("numbers", "null"))
    except (SafetensorError, ValueError) as error:
        raise Problem(f"{path.as_posix()}: cut short or damaged ({error}); remove it, and `--resume` takes the one "
                      "before") from None  # fmt: skip
    if not isinstance(numbers, dict):
        raise Problem(f"{path.as_posix()}: not a checkpoint of a run; remove it")
    return tensors, numbers


def write_log(folder: Path, rows: Sequence[dict[str, Any]], write: Write) -> None:
    write(folder / "log.jsonl", b"".join(_as_json(row, indent=None) for row in rows))


def read_log(folder: Path) -> list[dict[str, Any]]:
    path = folder / "log.jsonl"
    if not path.is_file():
        return []
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except ValueError as error:
        raise Problem(f"{path.as_posix()}: not JSON lines ({error}); remove it and resume") from None


def _as_json(value: object, indent: int | None) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=indent) + "\n").encode("utf-8", errors="backslashreplace")
