"""Folders in the form of Hugging Face: what is saved here loads in `transformers`, and the other way round.

    config.json             the shape of the model
    model.safetensors       the weights; large models have several files and model.safetensors.index.json
    generation_config.json  with which tokens a text begins and ends
    tokenizer.json          and tokenizer_config.json: the tokenizer, if there is one

Meta's own form is read, too: params.json and consolidated.safetensors (official.py).
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from tiny_llama3 import chat_template, config_json, official, tokenizer_files, weight_files
from tiny_llama3.model import Llama, LlamaConfig
from tiny_llama3.problem import Problem
from tiny_llama3.tokenizer import Tokenizer
from tiny_llama3.tokenizer_json import mapping, parsed

Write = Callable[[Path, bytes], object]


def save(folder: str | Path, model: Llama, tokenizer: Tokenizer | None = None, write: Write | None = None) -> None:
    """Write a folder that `load` and `transformers` read; `write` puts the bytes of each file there.

    config.json comes last: a new folder that has it is complete.
    """
    folder, write = Path(folder), write or tokenizer_files._write
    config = _with_ids(model.config, tokenizer)
    if tokenizer is not None:
        save_tokenizer(folder, tokenizer, config, write)
    write(folder / "generation_config.json", _as_json(config_json.generation_json(config)))
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()
               if not (name == weight_files.OUTPUT and config.tie_word_embeddings)}  # fmt: skip
    write(folder / weight_files.SINGLE, safetensors.torch.save(weights, {"format": "pt"}))
    write(folder / "config.json", _as_json(config_json.to_json(config, model.lm_head.weight.dtype)))


def save_tokenizer(folder: Path, tokenizer: Tokenizer, config: LlamaConfig, write: Write) -> None:
    """With the chat format, if the tokenizer has its special tokens."""
    tokenizer.save(folder, write)
    roles = tokenizer_files.tokenizer_config(tokenizer, config.max_position_embeddings)
    chats = {"chat_template": chat_template.format_of(tokenizer).jinja} if chat_template.knows_chats(tokenizer) else {}
    write(folder / "tokenizer_config.json", _as_json(roles | chats))


def load(folder: str | Path, device: str = "cpu", dtype: torch.dtype | None = None) -> tuple[Llama, Tokenizer | None]:
    """The model and the tokenizer of a folder; None where it has no tokenizer. `dtype`: None is that of the files.

    The weights are in memory once, and one of them a second time while it is read. Raises Problem for a folder that is
    missing, not whole or of another kind of model.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise Problem(f"{folder} is no folder; name one that holds a model (nothing is downloaded here)")
    by_meta = not (folder / "config.json").is_file() and (folder / "params.json").is_file()
    config = _config(folder / ("params.json" if by_meta else "config.json"), by_meta)
    tokenizer = tokenizer_files.load(folder) if tokenizer_files.find_tokenizer(folder) else None
    try:
        config = _with_ids(config, tokenizer)
    except Problem as problem:
        raise Problem(f"{folder}: {problem}") from None
    files = weight_files.find_files(folder, by_meta)
    with torch.device("meta"):  # shapes without memory
        model = Llama(config)
    weight_files.fill(model, files, device, dtype, by_meta)
    return model.eval(), tokenizer


def _config(file: Path, by_meta: bool) -> LlamaConfig:
    if not file.is_file():
        raise Problem(f"{file.parent} has no {file.name}; name a folder that holds a whole model")
    try:
        content = mapping(parsed(file.read_bytes()), f"a {file.name}")
        return official.config_from_params(content) if by_meta else config_json.from_json(content)
    except Problem as problem:
        raise Problem(f"{file}: {problem}") from None


def _with_ids(config: LlamaConfig, tokenizer: Tokenizer | None) -> LlamaConfig:
    """Where the configuration doesn't say how a text begins and ends, the tokenizer does.

    A model may know more tokens than the tokenizer; fewer would leave some texts without a meaning.
    """
    if tokenizer is None:
        return config
    if len(tokenizer) > config.vocab_size:
        raise Problem(f"the tokenizer has {len(tokenizer):,} tokens, the model's vocab_size is only "
                      f"{config.vocab_size:,}; take the tokenizer that belongs to the model")  # fmt: skip
    return replace(
        config,
        bos_token_id=tokenizer.bos_id if config.bos_token_id is None else config.bos_token_id,
        eos_token_id=tokenizer.eos_id if config.eos_token_id is None else config.eos_token_id,
        pad_token_id=tokenizer.pad_id if config.pad_token_id is None else config.pad_token_id,
    )


def _as_json(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, indent=2) + "\n").encode()
