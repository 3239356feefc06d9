"""Tokenised text on disk: numbers in files that are mapped into memory, so a corpus may be larger than it.

    manifest.json                       what there is, with checksums; written last
    tokenizer.json                      the tokenizer that made the ids
    train-0000.npy ... valid-0000.npy   ids, 16 bits each if that is enough, else 32
    train-0000.ends.npy ...             where in that file each document ends

A document is BOS, its tokens, EOS. It lies in one file, unless the file would get larger than `shard_tokens`.
"""

import hashlib
import io
import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate, chain
from pathlib import Path
from typing import Any

import numpy as np

from tiny_llama3 import chat_template
from tiny_llama3.problem import Problem
from tiny_llama3.processes import map_in_order
from tiny_llama3.text_input import in_batches
from tiny_llama3.tokenizer import Tokenizer

Write = Callable[[Path, bytes], object]
Manifest = dict[str, Any]
SPLITS = ("train", "valid")
VERSION = 1


def prepare(
    documents: Iterable[str],
    tokenizer: Tokenizer,
    folder: Path,
    write: Write,
    *,
    valid_share: float = 0.05,
    split: str = "hash",
    shard_tokens: int = 2**24,
    processes: int = 1,
    about: dict[str, Any] | None = None,
    tick: Callable[[int], object] = lambda characters: None,
    chats: bool = False,
) -> Manifest:
    """Tokenise the documents into `folder`; returns the manifest, in which `about` is kept.

    split="hash": a document's own text decides, so it is on the same side in whatever order and company it comes;
    a repeated document is dropped. split="tail": the last `valid_share` of all characters validates, and the document
    in which the border falls is cut in two, as nanoGPT does it with Shakespeare. With `chats`, a document is a
    conversation, as JSON (chat_template.py). Raises Problem if a side stays empty.
    """
    if not 0 < valid_share < 1:
        raise Problem(f"valid_share must be between 0 and 1 (got {valid_share}); 0.05 keeps a twentieth for validation")
    if shard_tokens < 1:
        raise Problem(f"shard_tokens must be 1 or more (got {shard_tokens}); change it")
    if tokenizer.bos_id is None or tokenizer.eos_id is None:
        raise Problem("the tokenizer has no BOS or EOS token, which documents begin and end with; train one with "
                      "`tokenizer train`")  # fmt: skip
    if (folder / "manifest.json").exists():
        raise Problem(f"{folder.as_posix()} holds prepared data already; name another folder, or remove it")
    repeated: list[int] = []
    if split == "hash":
        sided = _by_hash(documents, valid_share, repeated)
    elif split == "tail":
        sided = _by_tail(list(documents), valid_share)
    else:
        raise Problem(f"split must be hash or tail (got {split!r}); change it")

    dtype = np.dtype(np.uint16 if len(tokenizer) <= 2**16 else np.uint32)
    writers = {name: _Writer(name, folder, write, dtype, shard_tokens) for name in SPLITS}
    sides: list[str] = []  # of the documents that are being tokenised

    def texts() -> Iterator[str]:
        for side, text in sided:
            sides.append(side)
            yield text

    done = 0
    for batch in map_in_order(_encoded_chats if chats else _encoded, tokenizer, in_batches(texts()), processes):
        for ids, size, characters in batch:
            writers[sides[done]].add(ids, size, characters)
            sides[done] = ""  # only its number is needed from now on
            done += 1
            tick(characters)
    for name, writer in writers.items():
        writer.flush()
        if not writer.documents:
            raise Problem(f"no document came into the {name} split, of {done}; give more text, another --valid-share, "
                          "or --split tail")  # fmt: skip
    tokenizer.save(folder, write)
    manifest = {
        "version": VERSION,
        "dtype": dtype.name,
        "vocab_size": len(tokenizer),
        "bos_id": tokenizer.bos_id,
        "tokenizer_sha256": hashlib.sha256((folder / "tokenizer.json").read_bytes()).hexdigest(),
        "split": split,
        "valid_share": valid_share,
        "duplicates": len(repeated),
        **{name: writer.summary() for name, writer in writers.items()},
        "about": about or {},
    }
    write(folder / "manifest.json", (json.dumps(manifest, ensure_ascii=False, indent=1) + "\n").encode())
    return manifest


def _encoded(tokenizer: Tokenizer, texts: list[str]) -> list[tuple[np.ndarray, int, int]]:
    """Of each text its ids, bytes and characters; arrays, since between processes lists of numbers are slow."""
    return [
        (np.array([tokenizer.bos_id, *tokenizer.encode(text), tokenizer.eos_id], np.uint32), len(text.encode()),
         len(text)) for text in texts
    ]  # fmt: skip


def _encoded_chats(tokenizer: Tokenizer, texts: list[str]) -> list[tuple[np.ndarray, int, int]]:
    found = []
    for text in texts:
        messages = chat_template.from_json(text)
        written = chat_template.chat_text(messages, format=chat_template.format_of(tokenizer))
        ids = [*chat_template.encode_chat(tokenizer, messages).ids, tokenizer.eos_id]
        found.append((np.array(ids, np.uint32), len(written.encode()), len(written)))
    return found


def _by_hash(documents: Iterable[str], valid_share: float, repeated: list[int]) -> Iterator[tuple[str, str]]:
    seen: set[bytes] = set()
    for number, text in enumerate(documents):
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        if digest[:16] in seen:
            repeated.append(number)
            continue
        seen.add(digest[:16])
        yield SPLITS[int.from_bytes(digest[:8], "big") < valid_share * 2**64], text


def _by_tail(documents: list[str], valid_share: float) -> Iterator[tuple[str, str]]:
    left = int(sum(map(len, documents)) * (1 - valid_share))
    for text in documents:
        for side, part in (("train", text[:left]), ("valid", text[left:])):
            if part:
                yield side, part
        left = max(0, left - len(text))


@dataclass
class _Writer:
    """Collects the documents of one split and writes a shard when one is full."""

    name: str
    folder: Path
    write: Write
    dtype: np.dtype[Any]
    shard_tokens: int
    documents: int = 0
    tokens: int = 0
    bytes: int = 0
    characters: int = 0
    shards: list[dict[str, Any]] = field(default_factory=list)
    held: list[np.ndarray] = field(default_factory=list)
    held_tokens: int = 0

    def add(self, ids: np.ndarray, size: int, characters: int) -> None:
        if self.held and self.held_tokens + len(ids) > self.shard_tokens:
            self.flush()
        self.held.append(ids.astype(self.dtype))
        self.held_tokens += len(ids)
        self.documents, self.tokens = self.documents + 1, self.tokens + len(ids)
        self.bytes, self.characters = self.bytes + size, self.characters + characters

    def flush(self) -> None:
        if not self.held:
            return
        stem = f"{self.name}-{len(self.shards):04}"
        tokens, ends = _npy(np.concatenate(self.held)), _npy(np.cumsum([*map(len, self.held)], dtype=np.uint64))
        self.write(self.folder / f"{stem}.npy", tokens)
        self.write(self.folder / f"{stem}.ends.npy", ends)
        self.shards.append({"file": stem, "tokens": self.held_tokens, "documents": len(self.held),
                            "sha256": hashlib.sha256(tokens + ends).hexdigest()})  # fmt: skip
        self.held, self.held_tokens = [], 0

    def summary(self) -> dict[str, Any]:
        return {"documents": self.documents, "tokens": self.tokens, "bytes": self.bytes,
                "characters": self.characters, "shards": self.shards}  # fmt: skip


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


class Shards:
    """One split of prepared data as one long stream of tokens."""

    def __init__(self, folder: Path, split: str, manifest: Manifest) -> None:
        if split not in SPLITS:
            raise Problem(f"split must be train or valid (got {split!r}); change it")
        self.manifest = manifest
        self.bos_id: int = manifest["bos_id"]
        side = manifest[split]
        self.bytes, self.characters, self.documents = side["bytes"], side["characters"], side["documents"]
        self._shards = [_mapped(folder / f"{shard['file']}.npy", shard["tokens"]) for shard in side["shards"]]
        self._ends = [_mapped(folder / f"{shard['file']}.ends.npy", shard["documents"]) for shard in side["shards"]]
        self._starts = [0, *accumulate(map(len, self._shards))]

    @classmethod
    def open(cls, folder: Path, split: str) -> "Shards":
        """Raises Problem for a folder without prepared data, and for a file that is missing or cut short."""
        manifest = read_manifest(folder)
        try:
            return cls(folder, split, manifest)
        except (KeyError, TypeError) as error:
            raise Problem(f"{folder.as_posix()}/manifest.json: not a whole manifest ({error}); prepare the data "
                          "again") from None  # fmt: skip

    def __len__(self) -> int:
        return self._starts[-1]

    def slice(self, start: int, stop: int) -> np.ndarray:
        """The tokens from `start` to `stop`, from one file or several."""
        first = bisect_right(self._starts, start) - 1
        if stop <= self._starts[first + 1]:
            return self._shards[first][start - self._starts[first] : stop - self._starts[first]]
        parts = []
        while start < stop:
            end = min(stop, self._starts[first + 1])
            parts.append(self._shards[first][start - self._starts[first] : end - self._starts[first]])
            start, first = end, first + 1
        return np.concatenate(parts)

    def document(self, number: int) -> np.ndarray:
        """One document's tokens, with BOS and EOS."""
        if not 0 <= number < self.documents:
            raise Problem(f"there is no document {number}; they are numbered from 0 to {self.documents - 1}")
        for shard, ends in zip(self._shards, self._ends, strict=True):
            if number < len(ends):
                return shard[int(ends[number - 1]) if number else 0 : int(ends[number])]
            number -= len(ends)
        raise Problem("the manifest counts more documents than the files hold; prepare the data again")


def _mapped(path: Path, length: int) -> np.ndarray:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise Problem(f"{path.as_posix()} is missing; copy the whole folder again, or prepare the data again") from None
    except (ValueError, EOFError) as error:
        raise Problem(f"{path.as_posix()}: cut short or damaged ({error}); prepare the data again") from None
    if array.shape != (length,) or array.dtype.kind != "u":
        raise Problem(f"{path.as_posix()}: holds {array.shape} of {array.dtype}, the manifest says {length} whole "
                      "numbers; prepare the data again")  # fmt: skip
    return np.asarray(array)  # a plain view of the mapped file, which is cut faster


def read_manifest(folder: Path) -> Manifest:
    path = folder / "manifest.json"
    if not path.is_file():
        raise Problem(f"{folder.as_posix()} holds no prepared data; make some with `data prepare --out`")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Problem(f"{path.as_posix()}: damaged ({error}); prepare the data again") from None
    if not isinstance(manifest, dict) or manifest.get("version") != VERSION:
        raise Problem(f"{path.as_posix()}: not a manifest of version {VERSION}; prepare the data again")
    return manifest


def digest(folder: Path) -> str:
    """Another one means other data: the manifest has the checksum of every file."""
    read_manifest(folder)
    return hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()


def verify(folder: Path) -> None:
    """Compare each file with its checksum, each id with the vocabulary. Raises Problem for the first that is wrong."""
    manifest = read_manifest(folder)
    for shard in chain.from_iterable(manifest[name]["shards"] for name in SPLITS):
        files = [folder / f"{shard['file']}{end}.npy" for end in ("", ".ends")]
        tokens = _mapped(files[0], shard["tokens"])
        _mapped(files[1], shard["documents"])
        if hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest() != shard["sha256"]:
            raise Problem(f"{files[0].as_posix()} isn't what was written; prepare the data again")
        if int(tokens.max()) >= manifest["vocab_size"]:
            raise Problem(f"{files[0].as_posix()} has the id {tokens.max()}, the manifest's vocab_size is "
                          f"{manifest['vocab_size']}; prepare the data again")  # fmt: skip
    path = folder / "tokenizer.json"
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != manifest["tokenizer_sha256"]:
        raise Problem(f"{path.as_posix()} isn't the one that made the data; prepare the data again")
