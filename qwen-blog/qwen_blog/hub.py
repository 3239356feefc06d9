"""Folders in the official form: what `transformers` saved is loaded here, and what is saved here loads there.

config.json             the shape of the model
model.safetensors       the weights; large models have several files and model.safetensors.index.json
generation_config.json  how its makers would have it sampled
tokenizer.json          and tokenizer_config.json: the tokenizer, if there is one
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from qwen_blog import tokenizer_files, weight_files
from qwen_blog.config import QwenConfig
from qwen_blog.heads import SequenceClassifier, TokenClassifier
from qwen_blog.low_memory import from_disk
from qwen_blog.model import Qwen
from qwen_blog.problem import Problem
from qwen_blog.rope import pair_frequencies
from qwen_blog.safetensors_file import to_bytes
from qwen_blog.tokenizer import Tokenizer

MODELS: dict[str, Callable[[QwenConfig], nn.Module]] = {
    "ForCausalLM": Qwen,
    "ForSequenceClassification": SequenceClassifier,
    "ForTokenClassification": TokenClassifier,
}
Write = Callable[[Path, bytes], object]


def load(folder: str | Path, *, dtype: torch.dtype | None = None, device: str = "cpu",
         low_memory: bool = False) -> tuple[Any, Tokenizer | None]:  # fmt: skip
    """The model and the tokenizer of a folder; None where it has no tokenizer.

    `dtype`: None is that of the files. `low_memory` leaves the weights on the disk and reads a layer at a time. Raises
    Problem for a folder that is missing, not whole or of another kind of model.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise Problem(f"{folder} is no folder; name one that holds a model (`download` fetches one)")
    config = QwenConfig.from_json(folder)
    tokenizer = tokenizer_files.read(folder) if tokenizer_files.is_there(folder) else None
    if tokenizer is not None and len(tokenizer) > config.vocab_size:
        raise Problem(f"{folder}: the tokenizer has {len(tokenizer):,} tokens, the model's vocab_size is only "
                      f"{config.vocab_size:,}; take the tokenizer that belongs to the model")  # fmt: skip
    stored = weight_files.find(folder)
    with torch.device("meta"), weight_files.NoNumbers():  # shapes without memory
        model = MODELS[config.architecture](config)
    tied = config.tie_word_embeddings and isinstance(model, Qwen)
    weight_files.check(model, stored, folder, tied)
    dtype = dtype or weight_files.dtype_of(stored)
    body: Any = model.model
    body.frequency_P = pair_frequencies(config.head_size, config.rope_theta, config.yarn)  # computed, not stored
    if low_memory:
        if not isinstance(model, Qwen) or device != "cpu":
            raise Problem("low memory is for language models on the CPU; load this one as usual")
        from_disk(model, stored, dtype)
    else:
        weight_files.fill(model, stored, dtype, device, tied)
    return model.eval(), tokenizer


def save(folder: str | Path, model: Any, write: Write | None = None) -> None:
    """Write a folder that `load` and `transformers` read; config.json comes last, so a folder that has it is whole."""
    folder, config = Path(folder), model.config
    put: Write = write or _put
    tied = config.tie_word_embeddings and isinstance(model, Qwen)
    weights = {name: tensor for name, tensor in model.state_dict().items()
               if not (name == weight_files.OUTPUT and tied)}  # fmt: skip
    put(folder / weight_files.SINGLE, to_bytes(weights))
    dtype = str(next(iter(weights.values())).dtype).removeprefix("torch.")
    put(folder / "config.json", (json.dumps(config.to_json(dtype), indent=2) + "\n").encode())


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
