"""A training run on disk: all that translating and resuming need, in files that are replaced as a whole.

    config.json         task, metric, TransformerConfig, TrainingConfig, and how the task was made
    vocabulary.json     both vocabularies, or one for both
    model.safetensors   the weights that translate
    log.jsonl           losses and scores; loss.png shows them
    state.safetensors   where training stands: weights, Adam's moments, random numbers
    epochs/             the weights after each of the last epochs, for averaging

Writing is the caller's: `write(path, bytes)` should put the file in its place at once or not at all.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from tiny_transformer.model import Transformer, TransformerConfig
from tiny_transformer.problem import Problem
from tiny_transformer.tasks.task import Task, Vocabulary, vocabulary_from_json
from tiny_transformer.training import TrainingConfig, load_weights

Write = Callable[[Path, bytes], object]


class BadFolder(Problem):
    """A folder that holds no complete run; the message names the file and what to do."""


@dataclass(frozen=True)
class Description:
    """What a run is, without its weights."""

    task: str
    metric: str
    made_from: dict[str, Any]  # the options that made the task: files, vocabulary size
    model: TransformerConfig
    training: TrainingConfig
    source_vocabulary: Vocabulary
    target_vocabulary: Vocabulary


def write_description(
    folder: Path,
    task: Task,
    made_from: dict[str, Any],
    model: TransformerConfig,
    training: TrainingConfig,
    write: Write,
) -> None:
    vocabularies = {"source": task.source_vocabulary.as_json()}
    if task.target_vocabulary is not task.source_vocabulary:
        vocabularies["target"] = task.target_vocabulary.as_json()
    write(folder / "vocabulary.json", as_json(vocabularies, indent=None))
    config = {
        "task": task.name,
        "metric": task.metric,
        "made_from": made_from,
        "model": asdict(model),
        "training": asdict(training),
    }
    write(folder / "config.json", as_json(config, indent=2))


def read_description(folder: Path) -> Description:
    """Raises BadFolder where a file is missing, cut short or of other content."""
    config, vocabularies = _read_json(folder / "config.json"), _read_json(folder / "vocabulary.json")
    try:
        source = vocabulary_from_json(vocabularies["source"])
        target = vocabulary_from_json(vocabularies["target"]) if "target" in vocabularies else source
        model = _dataclass(TransformerConfig, config["model"])
        training = _dataclass(TrainingConfig, config["training"])
        if (model.vocab_size, model.target_size) != (source.size, target.size):
            raise ValueError(f"the model counts {model.vocab_size} and {model.target_size} symbols, vocabulary.json "
                             f"has {source.size} and {target.size}")  # fmt: skip
        return Description(config["task"], config["metric"], config["made_from"], model, training, source, target)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadFolder(f"{folder.as_posix()}: config.json and vocabulary.json describe no model ({error}); "
                        "copy the whole folder again, or train anew") from None  # fmt: skip


def write_weights(path: Path, weights: dict[str, Tensor], write: Write) -> None:
    contiguous = {key: tensor.detach().cpu().contiguous() for key, tensor in weights.items()}
    write(path, safetensors.torch.save(contiguous))


def read_model(folder: Path, device: str = "cpu") -> tuple[Transformer, Description]:
    """The model, ready to translate, and its description."""
    description = read_description(folder)
    path = model_file(folder)
    if not path.exists() and (folder / "state.safetensors").exists():
        raise BadFolder(f"{folder.as_posix()}: training has not come to its first epoch; go on with: "
                        f"python main.py train --resume --out {folder.as_posix()}")  # fmt: skip
    weights = read_weights(path)
    model = Transformer(description.model)
    try:
        load_weights(model, weights)
    except ValueError as error:
        raise BadFolder(f"{path.as_posix()}: {error}") from None
    return model.to(device).eval(), description


def read_weights(path: Path) -> dict[str, Tensor]:
    if not path.exists():
        raise BadFolder(f"{path.as_posix()} is missing; name a folder that `train` wrote, or copy it again")
    try:
        return safetensors.torch.load(path.read_bytes())  # `load_file` would keep a file open that is to be replaced
    except SafetensorError as error:
        raise BadFolder(f"{path.as_posix()}: cut short or damaged ({error}); copy it again, or train anew") from None


def write_state(folder: Path, tensors: dict[str, Tensor], numbers: dict[str, float], write: Write) -> None:
    """Tensors and numbers in one file, so that they never disagree."""
    contiguous = {key: tensor.cpu().contiguous() for key, tensor in tensors.items()}
    write(folder / "state.safetensors", safetensors.torch.save(contiguous, {"numbers": json.dumps(numbers)}))


def read_state(folder: Path) -> tuple[dict[str, Tensor], dict[str, float]]:
    path = folder / "state.safetensors"
    tensors = read_weights(path)
    with safe_open(path, "pt") as file:
        numbers = json.loads((file.metadata() or {}).get("numbers", "null"))
    if not isinstance(numbers, dict):
        raise BadFolder(f"{path.as_posix()}: not the state of a training run; train anew in another folder")
    return tensors, numbers


def model_file(folder: Path) -> Path:
    return folder / "model.safetensors"


def epoch_file(folder: Path, epoch: int) -> Path:
    return folder / "epochs" / f"{epoch:04}.safetensors"


def write_log(folder: Path, rows: Sequence[dict[str, Any]], write: Write) -> None:
    write(folder / "log.jsonl", b"".join(as_json(row, indent=None) for row in rows))


def read_log(folder: Path) -> list[dict[str, Any]]:
    path = folder / "log.jsonl"
    if not path.exists():
        return []
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except ValueError as error:
        raise BadFolder(f"{path.as_posix()}: not JSON lines ({error}); remove it and resume") from None


def as_json(value: object, indent: int | None) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=indent) + "\n").encode("utf-8", errors="backslashreplace")


def _read_json(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise BadFolder(f"{path.as_posix()} is missing; name a folder that `train` wrote, or copy it again")
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadFolder(f"{path.as_posix()}: cut short or damaged ({error}); copy it again, or train anew") from None
    if not isinstance(value, dict):
        raise BadFolder(f"{path.as_posix()}: not a JSON object; copy it again, or train anew")
    return value


def _dataclass(kind: Any, values: dict[str, Any]) -> Any:
    known = {field.name for field in fields(kind)}
    unknown = sorted(values.keys() - known)
    if unknown:
        raise ValueError(f"unknown setting {unknown[0]!r}")
    read = kind(**values)
    for field in fields(kind):
        value, default = getattr(read, field.name), field.default
        # 0 may stand for 0.0, and the only default None is that of a size
        right = (type(default), int) if default is None or isinstance(default, float) else (type(default),)
        if type(value) not in right:
            raise ValueError(f"{field.name} can't be {value!r}")
    return read
