"""A vector store that survives `kill -9`: append-only segments and one manifest (the idea of LSM trees and Lucene).

A change never touches what is there. It writes the new rows as a new segment, flushes it, and swaps the manifest; only
then are files that nobody names any more deleted. So a crash at any moment leaves the state before the change or the
state after it. Deleting sets a bit per row in the manifest; an upsert deletes the old row and appends the new one.

A new segment swallows those before it that are not much larger (see `first_to_merge`): n rows lie in about log2(n)
segments, whether they came one by one or all at once.

Many readers (mode="r") may watch one writer: each sees the state that it opened, until it calls `reload()`.
"""

import dataclasses
import json
import operator
import re
import secrets
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from .batch import Batch, Payload, checked_batch, checked_ids, checked_vectors
from .durable import ADVICE, StoreError, adopt_file, remove_quietly, sync_folder
from .lock import WriterLock
from .manifest import NAME, Manifest, read_manifest, write_manifest
from .segment import Segment, write_segment
from .snapshot import Snapshot, load

OURS = re.compile(r"seg-\d{6,}\.(f32|jsonl)|file-[0-9a-f]{8}-.+|manifest\.json\.tmp")


class VectorStore:
    """Vectors with string ids and JSON payloads in a folder. Every change is durable when its call returns.

    `mode="w"` creates the folder if needed and locks out other writers; `mode="r"` takes no lock and writes nothing.
    `dim` may be left out for a store that exists; `reset` begins anew in its place, damaged or not.
    Raises StoreError, a ValueError that says what to do next.
    """

    def __init__(
        self, path: str | Path, dim: int | None = None, mode: Literal["r", "w"] = "w", reset: bool = False
    ) -> None:
        self.path = Path(path)
        dim = None if dim is None else operator.index(dim)
        self._state: Snapshot | None = None
        self._lock: WriterLock | None = None
        self._changing = threading.Lock()
        try:
            if mode == "w":
                self._open_for_writing(dim, reset)
            elif not (self.path / NAME).exists():
                raise StoreError(f"there is no store in {self.path}; create it with VectorStore(path, dim)")
            self._state = load(self.path)
            if dim not in (None, self.dim):
                advice = "use another folder, or open it without dim and commit(..., replace=True)"
                raise StoreError(f"{self.path} holds vectors of {self.dim} dimensions, you asked for {dim}; {advice}")
            if mode == "w":
                self._sweep(self._snapshot.manifest.file_names())
        except BaseException:
            self.close()
            raise

    def _open_for_writing(self, dim: int | None, reset: bool) -> None:
        created = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
        if not (self.path / NAME).exists():
            if dim is None or dim < 1:
                raise StoreError(f"a new store needs the number of dimensions, at least 1 (got dim={dim})")
            if self.path.exists() and not self.path.is_dir():
                raise StoreError(f"{self.path} is a file; a store needs a folder of its own")
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = WriterLock(self.path / "store.lock")
        if reset or not (self.path / NAME).exists():
            if not reset and any(self.path.glob("seg-*")):
                raise StoreError(f"{self.path} holds segments but no {NAME}; {ADVICE}")
            write_manifest(self.path, Manifest(dim or 0))
            for folder in {self.path, *created}:  # a folder's name lies in its parent
                sync_folder(folder.parent)

    def _sweep(self, named: set[str]) -> None:
        """Delete the files of ours that the manifest does not name: leftovers of a crash, and side files given up."""
        for path in self.path.iterdir():
            if OURS.fullmatch(path.name) and path.name not in named:
                remove_quietly(path)

    def close(self) -> None:
        """Release the files and the lock. Closing twice is harmless."""
        named = self._state.manifest.file_names() if self._state else None
        self._state = None
        if self._lock:
            if named is not None:
                self._sweep(named)  # on Windows old segments can only go now that they are no longer mapped
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # ---- reading: each call works on one snapshot, whatever happens meanwhile --------------------------------------

    @property
    def _snapshot(self) -> Snapshot:
        if self._state is None:
            raise StoreError(f"the store {self.path} is closed; open it again")
        return self._state

    @property
    def dim(self) -> int:
        return self._snapshot.manifest.dim

    @property
    def generation(self) -> int:
        """Counts the changes since the store was made."""
        return self._snapshot.manifest.generation

    @property
    def meta(self) -> dict[str, Any]:
        """The dict of the last `commit(meta=...)`: a copy, yours to change."""
        return json.loads(json.dumps(self._snapshot.manifest.meta))

    @property
    def files(self) -> dict[str, Path]:
        """The side files of the last `commit(files=...)`. The writer's next commit may delete them: a reader that
        meets FileNotFoundError calls `reload()` and looks again."""
        return {name: self.path / record.name for name, record in self._snapshot.manifest.files.items()}

    def __len__(self) -> int:
        return len(self._snapshot)

    def __contains__(self, id: object) -> bool:
        return isinstance(id, str) and self._snapshot.find(id) is not None

    def ids(self) -> list[str]:
        """All ids in the order in which they were added; an upsert moves its id to the end."""
        return self._snapshot.ids()

    def payload(self, id: str) -> dict[str, Any] | None:
        return self.payloads([id])[0]

    def payloads(self, ids: Iterable[str]) -> list[dict[str, Any] | None]:
        snapshot = self._snapshot
        return [snapshot.segments[number].payload(row) for number, row in self._places(snapshot, ids)]

    def vectors(self, ids: Iterable[str]) -> np.ndarray:
        """float32 (number of ids, dim)."""
        snapshot = self._snapshot
        return snapshot.vectors(self._places(snapshot, ids))

    def _places(self, snapshot: Snapshot, ids: Iterable[str]) -> list[tuple[int, int]]:
        places = []
        for id in checked_ids(ids):
            place = snapshot.find(id)
            if place is None:
                raise StoreError(f"there is no id {id!r} in {self.path}; ids() lists those there are")
            places.append(place)
        return places

    def search(self, vectors: ArrayLike, k: int) -> tuple[np.ndarray, list[list[str]]]:
        """For each query the K = min(k, len(store)) largest inner products, best first.

        `vectors` is (Q, dim), or (dim,) for a single query, which gives one row. Returns scores, float32 (Q, K), and
        ids, Q lists of K. Equal scores are ordered as in `ids()`.
        """
        if operator.index(k) < 1:
            raise StoreError(f"k must be at least 1 (got {k})")
        snapshot = self._snapshot
        return snapshot.search(checked_vectors(np.atleast_2d(vectors), snapshot.manifest.dim), k)

    def reload(self) -> bool:
        """Move to the newest state on disk, as a reader wants from time to time; True if it is another one."""
        before = self._snapshot
        self._state = load(self.path, before)
        return self.generation != before.manifest.generation

    def verify(self) -> None:
        """Read every file to its end; raises StoreError at the first one in which a bit has changed."""
        snapshot = self._snapshot
        read_manifest(self.path)
        for segment in snapshot.segments:
            segment.verify()
        for record in snapshot.manifest.files.values():
            record.check(self.path)

    # ---- changing: build the next manifest, then publish it --------------------------------------------------------

    def add(self, ids: Sequence[str], vectors: ArrayLike, payloads: Sequence[Payload] | None = None) -> None:
        """Insert rows, or replace those whose id is already there. Within one call the last of equal ids wins."""
        self.commit(ids, vectors, payloads)

    def delete(self, ids: Iterable[str]) -> int:
        """Delete rows and return how many there were; ids that are not in the store are ignored."""
        return self.commit(delete=ids)

    def commit(
        self,
        ids: Sequence[str] = (),
        vectors: ArrayLike | None = None,
        payloads: Sequence[Payload] | None = None,
        *,
        delete: Iterable[str] = (),
        meta: Mapping[str, Any] | None = None,
        files: Mapping[str, Path] | None = None,
        replace: bool = False,
    ) -> int:
        """Delete, upsert, and set `meta` and side `files`, all in one step that a crash cannot split.

        `meta` and `files` replace the former ones as a whole; None keeps them. `replace=True` drops every row that
        is not in this commit; the new vectors may then have another dimension. Returns how many rows `delete` hit.
        """
        with self._changing:
            before = self._writable()
            batch = checked_batch(ids, vectors, payloads, None if replace else self.dim)
            gone = set(checked_ids(delete))
            hit = sum(before.find(id) is not None for id in gone)
            segments = () if replace else before.without(gone.union(batch.ids))
            dim = batch.vectors_RD.shape[1] if replace and batch.ids else self.dim
            manifest = dataclasses.replace(before.manifest, dim=dim)
            if meta is not None:
                manifest = dataclasses.replace(manifest, meta=_plain_json(meta))
            if batch.ids or replace or hit or meta is not None or files is not None:
                self._publish(manifest, segments, first_to_merge(segments, len(batch.ids)), batch, files)
            return hit

    def compact(self) -> None:
        """Rewrite the store as one segment without deleted rows."""
        with self._changing:
            before = self._writable()
            if len(before.segments) > 1 or any(segment.record.dead for segment in before.segments):
                self._publish(before.manifest, before.segments, 0, checked_batch([], None, None, self.dim), None)

    def new_file_name(self, stem: str, suffix: str) -> Path:
        """A fresh path in the store's folder for a side file: write it, then name it in `commit(files=...)`."""
        return self.path / f"file-{secrets.token_hex(4)}-{stem}{suffix}"

    def _writable(self) -> Snapshot:
        if self._state and self._lock is None:
            raise StoreError(f"{self.path} was opened read-only; open it with mode='w' to change it")
        return self._snapshot

    def _publish(
        self,
        manifest: Manifest,
        segments: Sequence[Segment],
        first_merged: int,
        batch: Batch,
        files: Mapping[str, Path] | None,
    ) -> None:
        """Write what is new, flush it, swap the manifest, delete what is old: in this order, and in no other."""
        before = self._snapshot
        generation = before.manifest.generation + 1
        name = f"seg-{generation:06d}"
        kept, merged = segments[:first_merged], segments[first_merged:]
        records = [segment.record for segment in kept]
        try:
            if merged or batch.ids:
                records.append(write_segment(self.path, name, merged, batch))
            if files is not None:
                named = {key: adopt_file(self._own(path)) for key, path in files.items()}
                manifest = dataclasses.replace(manifest, files=named)
            sync_folder(self.path)
            write_manifest(self.path, dataclasses.replace(manifest, generation=generation, segments=tuple(records)))
            self._state = load(self.path, before)
        except BaseException:
            self._state = None  # if even reading fails now, the store is closed: better than one that guesses
            self._state = load(self.path, before)  # after a failure, the disk says what is true
            drafts = {f"{name}.f32", f"{name}.jsonl", f"{NAME}.tmp"}
            for draft in drafts - self._state.manifest.file_names():
                remove_quietly(self.path / draft)
            raise
        for old in before.manifest.file_names() - self._state.manifest.file_names():
            remove_quietly(self.path / old)

    def _own(self, path: Path) -> Path:
        if path.parent != self.path or not OURS.fullmatch(path.name):
            raise StoreError(f"{path} is not a file of this store; write to the path that new_file_name() gives")
        return path


def first_to_merge(segments: Sequence[Segment], new_rows: int) -> int:
    """From which segment on to rewrite, so that few segments and few deleted rows remain.

    The new segment takes in its neighbour while that has at most twice its rows. So each segment has more than twice
    the rows of the next (at most log2(n) segments), and a row is copied at most about log(n)/log(1.5) times in its
    life. When more than a third of all rows are deleted, everything is rewritten: a search still reads deleted rows.
    """
    live = sum(segment.live for segment in segments)
    if 2 * sum(segment.record.rows for segment in segments) > 3 * live:
        return 0
    first = len(segments)
    while new_rows and first and segments[first - 1].live <= 2 * new_rows:
        first -= 1
        new_rows += segments[first].live
    return first


def _plain_json(meta: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return json.loads(json.dumps(dict(meta), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise StoreError(f"meta must be a JSON object: {error}") from None
