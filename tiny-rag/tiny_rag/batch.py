"""What a caller hands to the store, checked before anything is written: ids, vectors, payloads.

Shapes: R rows, D dimensions.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .durable import StoreError

LONGEST = 1e18  # the product of two vectors of this length still fits into float32

Payload = Mapping[str, Any] | None


@dataclass(frozen=True)
class Batch:
    """Rows ready to be written: distinct ids, finite float32 vectors, one line of JSON a payload."""

    ids: list[str]
    vectors_RD: np.ndarray
    payload_lines: list[bytes]


def checked_batch(
    ids: Iterable[str], vectors: ArrayLike | None, payloads: Sequence[Payload] | None, dim: int | None
) -> Batch:
    """Refuse what cannot be stored; of rows with equal ids keep the last. `dim=None` accepts any dimension."""
    ids = checked_ids(ids)
    if not ids and (vectors is None or np.size(vectors) == 0) and not payloads:
        return Batch([], np.empty((0, dim or 0), dtype=np.float32), [])
    if vectors is None:
        raise StoreError(f"{len(ids)} ids came without vectors; pass one vector for each")
    vectors_RD = checked_vectors(vectors, dim)
    payloads = [None] * len(ids) if payloads is None else payloads
    if not len(ids) == len(vectors_RD) == len(payloads):
        raise StoreError(f"got {len(ids)} ids, {len(vectors_RD)} vectors, {len(payloads)} payloads; pass one of each")
    lines = [_payload_line(id, payload) for id, payload in zip(ids, payloads, strict=True)]
    rows = sorted({id: row for row, id in enumerate(ids)}.values())
    if len(rows) < len(ids):
        return Batch([ids[row] for row in rows], vectors_RD[rows], [lines[row] for row in rows])
    return Batch(ids, vectors_RD, lines)


def checked_ids(ids: Iterable[str]) -> list[str]:
    if isinstance(ids, str):
        raise StoreError(f"ids must be a list of strings, not one string; pass [{ids!r}]")
    checked = list(ids)
    for id in checked:
        if not isinstance(id, str) or not id:
            raise StoreError(f"an id must be a string that is not empty (got {id!r})")
        try:
            id.encode()
        except UnicodeEncodeError:
            raise StoreError(f"the id {id!a} holds half of a surrogate pair; UTF-8 cannot store it") from None
    return checked


def checked_vectors(vectors: ArrayLike, dim: int | None) -> np.ndarray:
    """(R, D) float32, finite, and short enough that no inner product overflows."""
    given = np.asarray(vectors)
    if given.dtype.kind not in "fiu":
        raise StoreError(f"vectors must be numbers (got dtype {given.dtype}); convert them to float32")
    if given.ndim != 2 or given.shape[1] == 0 or dim not in (None, given.shape[1]):
        raise StoreError(f"vectors must have the shape (rows, {dim or 'dim'}), got {given.shape}; check the embedder")
    with np.errstate(over="ignore"):
        vectors_RD = given.astype(np.float32, order="C", copy=False)
        lengths_R = np.sqrt(np.einsum("rd,rd->r", vectors_RD, vectors_RD))
    wrong = np.flatnonzero(~(lengths_R <= LONGEST))  # written so that NaN is wrong, too
    if len(wrong):
        found = f"vector {wrong[0]} has the length {lengths_R[wrong[0]]}"
        raise StoreError(f"{found}; it must be finite and at most {LONGEST:g}: check the embedder")
    return vectors_RD


def _payload_line(id: str, payload: Payload) -> bytes:
    if payload is not None and not isinstance(payload, Mapping):
        raise StoreError(f"the payload of {id!r} must be a dict or None (got {type(payload).__name__})")
    try:
        line = json.dumps(payload, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise StoreError(f"the payload of {id!r} is not JSON: {error}") from None
    try:
        return line.encode() + b"\n"
    except UnicodeEncodeError:  # half a surrogate pair, as in some file names: JSON can still spell it \ud800
        return json.dumps(payload).encode() + b"\n"
