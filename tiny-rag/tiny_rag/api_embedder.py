"""Embeddings from an OpenAI-compatible server, asked for once: batched, and cached by the hash of the text.

The cache is a file of lines that is only ever appended to. A batch that has arrived is written down before the next
one is asked for, so a run that dies of a 429 or of `kill -9` goes on where it stopped.
"""

import base64
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

BATCH_TEXTS = 64
BATCH_CHARACTERS = 100_000  # servers limit the tokens of a request, not only its texts
SMALL_BATCH = 10  # some servers take no more texts at once, and answer 400 to more


class OpenAICompatible:
    """`ask` sends texts to the server and returns one vector each (see `tiny_shared.chat.Chat.embed`)."""

    def __init__(self, ask: Callable[[list[str]], list[list[float]]], model: str, cache: Path | None = None):
        self._ask, self.model, self._cache = ask, model, cache
        self._known: dict[str, np.ndarray] = {}
        if cache is not None and cache.exists():
            self._known = dict(self._read_cache(cache))

    @property
    def name(self) -> str:
        """How the embedder is called on the command line and in an index's passport."""
        return f"api:{self.model}"

    def fit(self, texts: Sequence[str]) -> "OpenAICompatible":
        """Nothing to learn: the server's model is finished."""
        return self

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """One row of length 1 a text: (N, dim) float32. Asks only for texts that were never asked for."""
        keys = [self._key(text) for text in texts]
        wanted = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        for batch in batches(list(wanted.items())):
            vectors = np.array(self._ask_for([text for _, text in batch]), np.float32)
            arrived = {key: vector for (key, _), vector in zip(batch, vectors, strict=True)}
            self._write_down(arrived)
            self._known |= arrived
        rows = np.stack([self._known[key] for key in keys]) if keys else np.zeros((0, 0), np.float32)
        return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)

    def _ask_for(self, texts: list[str]) -> list[list[float]]:
        try:
            return self._ask(texts)
        except Exception as error:
            if getattr(error, "status", None) != 400 or len(texts) <= SMALL_BATCH:
                raise
        groups = (texts[start : start + SMALL_BATCH] for start in range(0, len(texts), SMALL_BATCH))
        return [vector for group in groups for vector in self._ask(group)]

    def _key(self, text: str) -> str:
        return hashlib.sha256(f"{self.model}\0{text}".encode("utf-8", "surrogatepass")).hexdigest()

    def _write_down(self, arrived: dict[str, np.ndarray]) -> None:
        if self._cache is None:
            return
        self._cache.parent.mkdir(parents=True, exist_ok=True)
        with open(self._cache, "a+b") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":  # the last run died in the middle of a line
                    file.write(b"\n")
            for key, vector in arrived.items():
                line = {"key": key, "vector": base64.b64encode(vector.astype("<f4").tobytes()).decode()}
                file.write(json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def _read_cache(self, cache: Path) -> Iterator[tuple[str, np.ndarray]]:
        with open(cache, "rb") as file:
            for line in file:
                try:
                    entry = json.loads(line)
                    yield entry["key"], np.frombuffer(base64.b64decode(entry["vector"]), "<f4")
                except (ValueError, KeyError, TypeError):  # a torn line: that text is asked for again
                    continue


def batches(items: list[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """(key, text) pairs in groups that one request may carry."""
    batch: list[tuple[str, str]] = []
    size = 0
    for key, text in items:
        if batch and (len(batch) == BATCH_TEXTS or size + len(text) > BATCH_CHARACTERS):
            yield batch
            batch, size = [], 0
        batch.append((key, text))
        size += len(text)
    if batch:
        yield batch
