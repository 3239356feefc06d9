"""One state of the store, never changed: a manifest and the segments it names.

A change builds the next snapshot, so a search under way, or a reader in another process, keeps its own.

Shapes: Q queries, D dimensions, K results.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .durable import ADVICE, StoreError
from .exact_search import top_k
from .manifest import Manifest, read_manifest
from .segment import CHECK_AT_OPEN, Segment


@dataclass(frozen=True)
class Snapshot:
    manifest: Manifest
    segments: tuple[Segment, ...]

    def __len__(self) -> int:
        return sum(segment.live for segment in self.segments)

    def ids(self) -> list[str]:
        return [segment.ids[row] for segment in self.segments for row in segment.live_rows()]

    def find(self, id: str) -> tuple[int, int] | None:
        """(which segment, which row); None if the id is not there. Small dicts, newest first: at most log2(n)."""
        for number in reversed(range(len(self.segments))):
            row = self.segments[number].find(id)
            if row is not None:
                return number, row
        return None

    def without(self, ids: Iterable[str]) -> tuple[Segment, ...]:
        """The segments with these ids deleted; those that become empty are left out."""
        rows_of: dict[int, list[int]] = {}
        for id in ids:
            if place := self.find(id):
                rows_of.setdefault(place[0], []).append(place[1])
        segments = (
            segment.without(rows_of[number]) if number in rows_of else segment
            for number, segment in enumerate(self.segments)
        )
        return tuple(segment for segment in segments if segment.live)

    def vectors(self, places: list[tuple[int, int]]) -> np.ndarray:
        """(number of places, D), read segment by segment."""
        vectors = np.empty((len(places), self.manifest.dim), dtype=np.float32)
        numbers, rows = np.array(places, dtype=np.int64).reshape(-1, 2).T
        for number in np.unique(numbers):
            vectors[numbers == number] = self.segments[number].vectors(rows[numbers == number])
        return vectors

    def search(self, queries_QD: np.ndarray, k: int) -> tuple[np.ndarray, list[list[str]]]:
        """Scores (Q, K) and the ids that belong to them."""
        scores_QK, rows_QK = top_k(self.segments, queries_QD, k)
        first_rows = np.cumsum([0, *(segment.record.rows for segment in self.segments)])
        numbers_QK = np.searchsorted(first_rows, rows_QK, side="right") - 1
        within_QK = rows_QK - first_rows[numbers_QK]
        return scores_QK, [
            [self.segments[number].ids[row] for number, row in zip(numbers, rows, strict=True)]
            for numbers, rows in zip(numbers_QK.tolist(), within_QK.tolist(), strict=True)
        ]


def load(folder: Path, known: Snapshot | None = None) -> Snapshot:
    """The state that the manifest on disk describes. What a `known` snapshot has checked and opened is used again.

    A writer may delete a file between our reading the manifest and opening the file: then there is a newer manifest.
    """
    opened = {(s.record.vectors, s.record.entries): s for s in known.segments} if known else {}
    checked = known.manifest.files.values() if known else ()
    while True:
        manifest = read_manifest(folder)
        try:
            for file in manifest.files.values():
                if file not in checked:
                    file.check(folder, CHECK_AT_OPEN)
            segments = []
            for record in manifest.segments:
                segment = opened.get((record.vectors, record.entries))
                segments.append(segment.with_record(record) if segment else Segment(folder, record, manifest.dim))
            return Snapshot(manifest, tuple(segments))
        except FileNotFoundError as error:
            if read_manifest(folder).generation == manifest.generation:
                raise StoreError(f"{error.filename} is missing; {ADVICE}") from None
