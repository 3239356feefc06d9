"""A segment: some rows of the store in two files that are written once, flushed and never changed.

`seg-000007.f32`   the vectors, float32, in blocks of 4,096 rows; inside a block, dimension by dimension
`seg-000007.jsonl` the first line is the list of all ids, then follows one payload a line

Why dimension by dimension? A query times a block then runs along memory and sums 4,096 scores side by side in the
processor's vector registers and its first cache: twice as fast as one dot product per row, for a single query.

Shapes: R rows, D dimensions.
"""

import copy
import json
import mmap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from .batch import Batch
from .durable import ADVICE, StoreError, write_file
from .manifest import SegmentRecord, pack_dead

BLOCK = 4096  # rows; part of the file format. 4,096 scores are 16 KB and stay in the first cache
SCAN = 1 << 20  # bytes
CHECK_AT_OPEN = 64 << 20  # bytes; summing up this much takes tens of milliseconds, so bigger files wait for `verify`


class Segment:
    """The rows of one segment, mapped into memory: the operating system reads what is used, when it is used."""

    def __init__(self, folder: Path, record: SegmentRecord, dim: int) -> None:
        self.folder, self.dim = folder, dim
        self._set_record(record)
        record.vectors.check(folder, CHECK_AT_OPEN)
        record.entries.check(folder, CHECK_AT_OPEN)
        self._vectors = np.frombuffer(_map(folder / record.vectors.name), dtype="<f4")
        self._entries = _map(folder / record.entries.name)
        self.ids: list[str] = self._parse(self._entries[: self._entries.find(b"\n")])
        if len(self.ids) != record.rows or len(self._vectors) != record.rows * dim:
            raise StoreError(f"{folder / record.entries.name} does not hold {record.rows} rows; {ADVICE}")

    def with_record(self, record: SegmentRecord) -> "Segment":
        """The same files with the deleted rows of another record; the original stays as it was."""
        other = copy.copy(self)
        other._set_record(record)
        return other

    def without(self, rows: Sequence[int]) -> "Segment":
        """The same segment with these rows deleted, too."""
        dead = self.dead.copy()
        dead[list(rows)] = True
        return self.with_record(replace(self.record, dead=pack_dead(dead)))

    def _set_record(self, record: SegmentRecord) -> None:
        self.record = record
        self.dead = record.dead_rows()
        self.live = record.rows - int(np.count_nonzero(self.dead))

    @cached_property
    def _row_of(self) -> dict[str, int]:
        return {id: row for row, id in enumerate(self.ids)}

    def find(self, id: str) -> int | None:
        """The live row with this id."""
        row = self._row_of.get(id)
        return None if row is None or self.dead[row] else row

    def live_rows(self) -> np.ndarray:
        return np.flatnonzero(~self.dead)

    def block(self, start: int) -> np.ndarray:
        """(D, up to 4096): the rows from `start`, a multiple of 4096."""
        width = min(BLOCK, self.record.rows - start)
        return self._vectors[start * self.dim : (start + width) * self.dim].reshape(self.dim, width)

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        """(R, D): a copy of these rows, one after the other."""
        start = rows // BLOCK * BLOCK
        width = np.minimum(BLOCK, self.record.rows - start)
        first = start * self.dim + (rows - start)  # where the row's first dimension lies; the next is `width` further
        return self._vectors[first[:, None] + np.arange(self.dim) * width[:, None]]

    @cached_property
    def _line_starts(self) -> np.ndarray:
        """Where each payload begins, and where the last one ends; found when the first payload is asked for."""
        data = np.frombuffer(self._entries, dtype=np.uint8)
        starts = (at + 1 + np.flatnonzero(data[at : at + SCAN] == ord("\n")) for at in range(0, len(data), SCAN))
        return np.concatenate(list(starts))

    def payload_line(self, row: int) -> bytes:
        return self._entries[self._line_starts[row] : self._line_starts[row + 1]]

    def payload(self, row: int) -> dict[str, Any] | None:
        return self._parse(self.payload_line(row))

    def verify(self) -> None:
        """Read both files to the end; raises StoreError if a single bit has changed."""
        self.record.vectors.check(self.folder)
        self.record.entries.check(self.folder)

    def _parse(self, line: bytes) -> Any:
        try:
            return json.loads(line)
        except ValueError:
            raise StoreError(f"{self.folder / self.record.entries.name} is damaged: not JSON; {ADVICE}") from None


def write_segment(folder: Path, name: str, merged: Sequence[Segment], batch: Batch) -> SegmentRecord:
    """Write and flush a segment: the live rows of the `merged` segments, then the batch.

    Old rows pass through memory in portions of one block, so merging a big store needs no more of it than a small one.
    """
    rows_of = [(segment, segment.live_rows()) for segment in merged]
    ids = [segment.ids[row] for segment, rows in rows_of for row in rows] + batch.ids
    largest_norm = 0.0

    def pieces() -> Iterator[np.ndarray]:
        for segment, rows in rows_of:
            for start in range(0, len(rows), BLOCK):
                yield segment.vectors(rows[start : start + BLOCK])
        for start in range(0, len(batch.ids), BLOCK):
            yield batch.vectors_RD[start : start + BLOCK]

    def blocks() -> Iterator[bytes]:
        nonlocal largest_norm
        for block_RD in in_blocks(pieces()):
            largest_norm = max(largest_norm, float(np.linalg.norm(block_RD.astype(np.float64), axis=1).max()))
            yield block_RD.T.astype("<f4").tobytes()

    def lines() -> Iterator[bytes]:
        yield json.dumps(ids, ensure_ascii=False).encode() + b"\n"
        for segment, rows in rows_of:
            yield from (segment.payload_line(row) for row in rows)
        yield from batch.payload_lines

    vectors = write_file(folder / f"{name}.f32", blocks())
    entries = write_file(folder / f"{name}.jsonl", lines())
    return SegmentRecord(len(ids), largest_norm, vectors, entries)


def in_blocks(pieces_RD: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Regroup portions of any length into blocks of exactly 4096 rows (the last one may be shorter)."""
    waiting: list[np.ndarray] = []
    count = 0
    for piece in pieces_RD:
        waiting.append(piece)
        count += len(piece)
        if count >= BLOCK:
            rows = np.concatenate(waiting)
            full = count // BLOCK * BLOCK
            yield from np.split(rows[:full], full // BLOCK)
            waiting, count = [rows[full:]], count - full
    if count:
        yield np.concatenate(waiting)


def _map(path: Path) -> mmap.mmap:
    with open(path, "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
