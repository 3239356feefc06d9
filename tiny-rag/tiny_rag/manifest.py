"""The manifest: one small JSON file that says which other files make up the store (LSM trees, O'Neil et al. 1996).

Every other file is written once and never changed. To change the store is to write new files beside the old ones, and
then swap the manifest: before the swap the old state is whole, after it the new one is.
"""

import base64
import json
import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .durable import ADVICE, FileRecord, StoreError, replace_file

NAME = "manifest.json"
FORMAT = 1


@dataclass(frozen=True)
class SegmentRecord:
    """One segment: its two files, how many rows they hold, and which of these rows are deleted."""

    rows: int
    largest_norm: float
    vectors: FileRecord
    entries: FileRecord
    dead: str = ""  # a bit per row, compressed, base64; empty when every row is live

    def dead_rows(self) -> np.ndarray:
        """bool (rows,): True where a row was deleted or replaced."""
        if not self.dead:
            return np.zeros(self.rows, dtype=bool)
        bits = np.frombuffer(zlib.decompress(base64.b64decode(self.dead)), dtype=np.uint8)
        return np.unpackbits(bits, count=self.rows).astype(bool)


def pack_dead(dead: np.ndarray) -> str:
    return base64.b64encode(zlib.compress(np.packbits(dead).tobytes())).decode() if dead.any() else ""


@dataclass(frozen=True)
class Manifest:
    """The whole state of a store. `generation` counts the swaps; `meta` belongs to the store's user."""

    dim: int
    generation: int = 0
    segments: tuple[SegmentRecord, ...] = ()
    files: dict[str, FileRecord] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=dict)

    def file_names(self) -> set[str]:
        names = {record.name for record in self.files.values()}
        return names | {part.name for segment in self.segments for part in (segment.vectors, segment.entries)}


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Swap the manifest: the one moment at which a change happens."""
    body = {"format": FORMAT, **asdict(manifest)}
    document = {"crc32": _crc32(body), "body": body}
    replace_file(folder / NAME, json.dumps(document, indent=1).encode())


def read_manifest(folder: Path) -> Manifest:
    """The current manifest. Raises FileNotFoundError if there is none and StoreError if it is damaged."""
    path = folder / NAME
    data = path.read_bytes()
    try:
        document = json.loads(data)
        body = document["body"]
        intact = _crc32(body) == document["crc32"]
    except (ValueError, TypeError, KeyError):
        intact = False
    if not intact:
        raise StoreError(f"{path} is damaged: its checksum does not match; {ADVICE}")
    if body["format"] != FORMAT:
        raise StoreError(f"{path} has format {body['format']}, this program reads {FORMAT}; update it or index again")
    segments = tuple(
        SegmentRecord(**{**s, "vectors": FileRecord(**s["vectors"]), "entries": FileRecord(**s["entries"])})
        for s in body["segments"]
    )
    files = {name: FileRecord(**record) for name, record in body["files"].items()}
    return Manifest(body["dim"], body["generation"], segments, files, body["meta"])


def _crc32(body: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(body, sort_keys=True).encode())
