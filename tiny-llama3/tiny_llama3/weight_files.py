"""safetensors files -> the weights of a model, one at a time, so that a large model is in memory only once.

The names, shapes and types stand at the front of each file. They are all checked before the first weight is read.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from tiny_llama3.model import Llama
from tiny_llama3.official import from_official, our_name
from tiny_llama3.problem import Problem
from tiny_llama3.rope import pair_frequencies
from tiny_llama3.tokenizer_json import mapping, parsed

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
COMPUTED = ("rotary_emb.inv_freq", "rope.freqs")  # older files hold these; they follow from the configuration
OUTPUT = "lm_head.weight"


def find_files(folder: Path, by_meta: bool = False) -> list[Path]:
    """The files that hold the weights. Raises Problem if there are none, or if one of them is missing."""
    if by_meta:
        files = sorted(folder.glob("consolidated*.safetensors"))
        if len(files) > 1:
            raise Problem(f"{folder} has {len(files)} consolidated files, each with a slice of every weight for a GPU "
                          "of its own; take the model in Hugging Face's form")  # fmt: skip
        if files:
            return files
    elif (folder / SINGLE).is_file():
        return [folder / SINGLE]
    elif (folder / INDEX).is_file():
        return _files_of_index(folder / INDEX)
    pickled = sorted(path.name for kind in ("*.bin", "*.pth", "*.pt") for path in folder.glob(kind))
    if pickled:
        raise Problem(f"{folder} has weights only as pickle ({pickled[0]}), which may run any code and isn't read; "
                      "convert them to safetensors")  # fmt: skip
    wanted = "consolidated.safetensors" if by_meta else SINGLE
    raise Problem(f"{folder} has no {wanted}; copy the whole folder again")


def _files_of_index(index: Path) -> list[Path]:
    try:
        names = mapping(mapping(parsed(index.read_bytes()), "an index").get("weight_map"), "weight_map").values()
        for name in names:
            # a name with a folder in it could lead to anywhere on this machine
            if not isinstance(name, str) or not name.endswith(".safetensors") or {*"/\\:\0"} & {*name}:
                raise Problem(f"weight_map names {str(name)[:80]!r}, which is no safetensors file of this folder; "
                              "copy the index again")  # fmt: skip
        if not names:
            raise Problem("weight_map names no file; copy the index again")
    except Problem as problem:
        raise Problem(f"{index}: {problem}") from None
    files = [index.with_name(name) for name in sorted(set(names))]
    for file in files:
        if not file.is_file():
            raise Problem(f"{index} names {file.name}, which isn't there; copy that file, too")
    return files


def fill(
    model: Llama, files: Sequence[Path], device: str, dtype: torch.dtype | None = None, by_meta: bool = False
) -> None:
    """Give a model on the meta device its weights, and the frequencies of its rotary embedding.

    `dtype`: None is the files' own; where they have several, the one that holds all of them. `by_meta`: see official.
    """
    config = model.config
    contents = [(file, _content(model, file, by_meta)) for file in files]
    kinds = {name: kind for _, content in contents for name, kind in content.values()}
    for name in model.state_dict():
        if name not in kinds and not (name == OUTPUT and config.tie_word_embeddings):
            raise Problem(f"{files[0].parent}: the weight {name!r} is missing; copy all files of the model, and the "
                          "configuration that belongs to them")  # fmt: skip
    dtype = dtype or reduce(torch.promote_types, kinds.values())
    output = None
    for file, content in contents:
        with _opened(file) as opened:
            for stored, (name, _) in content.items():
                tensor = opened.get_tensor(stored)
                if by_meta:
                    ((name, tensor),) = from_official({stored: tensor}, config).items()
                # a copy, or the weight would remain a part of the file, which may be replaced
                tensor = tensor.to(device, dtype, copy=True)
                if name == OUTPUT and config.tie_word_embeddings:
                    output = tensor
                else:
                    place, _, last = name.rpartition(".")  # a weight, or a Qwen's bias
                    setattr(model.get_submodule(place), last, nn.Parameter(tensor))
    if config.tie_word_embeddings:
        model.lm_head.weight = model.model.embed_tokens.weight
        if output is not None and not torch.equal(output, model.lm_head.weight):
            raise Problem(f"{files[0].parent}: tie_word_embeddings is true, but {OUTPUT} is not the embedding; "
                          "set it to false")  # fmt: skip
    model.frequency_P = pair_frequencies(config.head_size, config.rope_theta, config.rope_scaling).to(device)


def _content(model: Llama, file: Path, by_meta: bool) -> dict[str, tuple[str, torch.dtype]]:
    """What a file holds: the name there -> the name here, and the type. Raises Problem for what doesn't fit."""
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    content: dict[str, tuple[str, torch.dtype]] = {}
    with _opened(file) as opened:
        for stored in opened.keys():  # noqa: SIM118 (it is no mapping)
            if stored.endswith(COMPUTED):
                continue
            name = our_name(stored) if by_meta else stored
            if name not in shapes:
                raise Problem(f"{file}: the weight {stored!r} belongs to no part of this model; is it a Llama, and "
                              "the configuration its own?")  # fmt: skip
            about = opened.get_slice(stored)
            if tuple(about.get_shape()) != shapes[name]:
                raise Problem(f"{file}: the weight {stored!r} has shape {tuple(about.get_shape())}, the configuration "
                              f"asks for {shapes[name]}; take the one that belongs to the weights")  # fmt: skip
            if about.get_dtype() not in DTYPES:
                raise Problem(f"{file}: the weight {stored!r} is in {about.get_dtype()}, only "
                              f"{', '.join(DTYPES)} can be read; take a model that isn't quantised")  # fmt: skip
            content[stored] = name, DTYPES[about.get_dtype()]
    return content


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    try:
        with safe_open(file, framework="pt") as opened:
            yield opened
    except SafetensorError as error:
        raise Problem(f"{file} is cut short or damaged ({error}); copy it again") from None
