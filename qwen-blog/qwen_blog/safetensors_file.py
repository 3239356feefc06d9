"""safetensors, the file format of the official weights, read and written by hand.

    8 bytes   the length of the header, little-endian
    header    JSON: {"name": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]}, "__metadata__": {...}}
    the rest  the numbers, one tensor after the other, as they lie in memory

Nothing in it can run, unlike a pickle; all that can be wrong with it is checked before a number is read. A tensor is
not read but mapped: its numbers come from the file when they are first touched, and lie in memory once. Whoever changes
them changes a copy of that page, never the file (copy on write).
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from qwen_blog.problem import Problem

DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
          "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool}  # fmt: skip
NAMES = {dtype: name for name, dtype in DTYPES.items()}
LONGEST_HEADER = 100_000_000


@dataclass(frozen=True)
class Entry:
    """Where a tensor lies: `start` counts from the beginning of the file, in bytes."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    start: int
    bytes: int


def read_header(file: Path) -> dict[str, Entry]:
    """What a file holds. Raises Problem if it is cut short or damaged."""
    size = file.stat().st_size
    with open(file, "rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if size < 8 or length > min(LONGEST_HEADER, size - 8):
            raise Problem(f"{file} is cut short or no safetensors file: its header should have {length:,} bytes, "
                          f"the file has {size:,}; copy it again")  # fmt: skip
        raw = opened.read(length)
    try:
        header = json.loads(raw)
        entries = {name: _entry(about, 8 + length) for name, about in header.items() if name != "__metadata__"}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Problem(f"{file} has a damaged header ({type(error).__name__}: {error}); copy it again") from None
    end = 8 + length
    for name, entry in sorted(entries.items(), key=lambda item: item[1].start):
        if entry.start != end:
            raise Problem(f"{file} has a damaged header: {name!r} begins at byte {entry.start:,}, not at {end:,}; "
                          "copy it again")  # fmt: skip
        end += entry.bytes
    if end != size:
        raise Problem(
            f"{file} is cut short or damaged: it has {size:,} bytes, its header asks for {end:,}; copy it again"
        )
    return entries


def _entry(about: Mapping[str, Any], offset: int) -> Entry:
    name, shape = about["dtype"], about["shape"]
    start, stop = about["data_offsets"]
    if name not in DTYPES:
        raise ValueError(f"the type {name!r} is unknown")
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError(f"the shape {shape!r} is none")
    dtype = DTYPES[name]
    if math.prod(shape) * dtype.itemsize != stop - start or start < 0:
        raise ValueError(f"{shape} of {name} don't fill the bytes {start} to {stop}")
    return Entry(dtype, tuple(shape), offset + start, stop - start)


def map_tensor(file: Path, entry: Entry) -> Tensor:
    """One tensor as it lies in the file."""
    if not entry.bytes or entry.start % entry.dtype.itemsize:  # nothing to map, or not at a multiple of its size
        return read_tensor(file, entry)
    raw = np.memmap(file, np.uint8, mode="c", offset=entry.start, shape=(entry.bytes,))
    return torch.from_numpy(raw).view(entry.dtype).view(entry.shape)


def read_tensor(file: Path, entry: Entry, rows: slice | None = None) -> Tensor:
    """One tensor, or some of its rows, into memory of its own."""
    shape, start, count = entry.shape, entry.start, entry.bytes
    if rows is not None:
        first, last, _ = rows.indices(shape[0])
        row = entry.bytes // max(shape[0], 1)
        shape, start, count = (last - first, *shape[1:]), start + first * row, (last - first) * row
    tensor = torch.empty(shape, dtype=entry.dtype)
    if count:
        target = memoryview(tensor.view(-1).view(torch.uint8).numpy())  # type: ignore[arg-type]
        with open(file, "rb", buffering=0) as opened:
            opened.seek(start)
            done = 0
            while done < count:
                if not (got := opened.readinto(target[done:])):
                    raise Problem(f"{file} is cut short; copy it again")
                done += got
    return tensor


def to_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    """A whole file. The largest types come first, so that every number lies at a multiple of its size."""
    ordered = sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0]))
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    data: list[bytes] = []
    end = 0
    for name, tensor in ordered:
        plain = tensor.detach().cpu().contiguous()
        raw = plain.view(-1).view(torch.uint8).numpy().tobytes() if plain.numel() else b""
        header[name] = {"dtype": NAMES[plain.dtype], "shape": list(plain.shape), "data_offsets": [end, end + len(raw)]}
        data.append(raw)
        end += len(raw)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(data)
