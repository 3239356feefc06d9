"""Build and refresh an index: read what changed, cut it, count it, embed it, and swap the result in at once.

Everything lies in one `VectorStore` folder: vectors and passages in its segments, the term table, the embedder and the
list of files beside them. They change in a single commit, so a reader sees the old index or the new one.

The passport says what an index was built with. Vectors of two embedders can't be compared, so a mismatch is refused.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from .analysis import VERSION as ANALYSER
from .analysis import terms
from .durable import StoreError
from .embedder import LSA, Embedder
from .hybrid import Moments
from .leg_weight import Evidence, weigh
from .passages import Chunking, Passage, passages_of
from .readers import Quarantined, find_files, read_all
from .readers.files import open_regular, source_of
from .term_counts import TermCounts
from .vector_store import VectorStore

FORMAT = "tiny-rag 1"
T = TypeVar("T")
Watch = Callable[
    [Iterable[T], int, str], Iterable[T]
]  # wraps a loop to show its progress: (items, how many or 0, what)


class IndexProblem(ValueError):
    """An index that can't be built or used as asked. The message says what to do next."""


@dataclass
class Summary:
    """What a run of `update` did."""

    read: list[str] = field(default_factory=list)
    unchanged: int = 0
    dropped: list[str] = field(default_factory=list)
    quarantined: list[dict[str, str]] = field(default_factory=list)
    notes: list[dict[str, str]] = field(default_factory=list)
    passages: int = 0
    dense_weight: float = 0.0
    warning: str = ""


def passport(embedder: Embedder, chunking: Chunking) -> dict[str, str]:
    """What an index was built with."""
    return {"format": FORMAT, "embedder": embedder.name, "chunker": str(chunking), "analyser": ANALYSER}


def check_passport(found: dict[str, str], wanted: dict[str, str], folder: Path) -> None:
    """Refuse an index that was built differently, naming each difference and the ways out."""
    differences = [
        f"{key} {found.get(key)!r}, you asked for {value!r}" for key, value in wanted.items() if found.get(key) != value
    ]
    if differences:
        raise IndexProblem(
            f"{folder} was built with {'; '.join(differences)}; "
            "build it anew with index --rebuild, or leave those options out to use it as it is"
        )


def update(
    folder: str | Path,
    paths: Sequence[str | Path],
    embedder: Embedder,
    chunking: Chunking,
    find_starts: Callable[[str], np.ndarray] | None = None,
    rebuild: bool = False,
    watch: Watch = lambda items, total, what: items,
) -> Summary:
    """Bring the index in `folder` up to date with the files under `paths`.

    Files whose content hasn't changed are not read again; those that are gone from under `paths`, or from the disk,
    are dropped. Raises IndexProblem if nothing is left to index, ReadError for a path that doesn't exist.
    """
    folder = Path(folder)
    paths = [corpus_of(Path(path)) for path in paths]
    files = {
        str(file.resolve()): file
        for file in find_files(paths)
        if not file.resolve().is_relative_to(folder.resolve())  # `index . --store ./store` doesn't index itself
    }
    dim = embedder.dim if isinstance(embedder, LSA) else 1
    with _open_for_writing(folder, dim, rebuild) as store:
        if store.meta and not rebuild:
            check_passport(store.meta["passport"], passport(embedder, chunking), folder)
        known = {} if rebuild or not store.meta else _sources(store)
        roots = [Path(path).resolve() for path in paths]
        hashes = {key: digest for key, file in files.items() if (digest := _hash(file))}
        same = {key for key, entry in known.items() if hashes.get(key) == entry["sha256"]}
        elsewhere = {
            key
            for key in known.keys() - files.keys()
            if Path(key).is_file() and not any(Path(key).is_relative_to(root) for root in roots)
        }
        kept = {key: known[key] for key in known if key in same | elsewhere}
        summary = Summary(unchanged=len(same))

        changed = {key: file for key, file in files.items() if key not in same}
        taken = {entry["source"] for entry in kept.values()}
        fresh, passages = _read_changed(changed, hashes, taken, chunking, find_starts, summary, watch)
        summary.dropped = sorted(known[key]["source"] for key in known.keys() - kept.keys() - fresh.keys())
        if not fresh and kept.keys() == known.keys() and store.meta:
            summary.passages, summary.dense_weight = len(store), Evidence(**store.meta["evidence"]).dense_weight
            return summary
        if not passages and not kept:
            if known:
                _commit(store, {}, {}, [], embedder, chunking, True, summary, watch)
            reasons = "; ".join(f"{item['source']}: {item['reason']}" for item in summary.quarantined[:3])
            gone = f"; dropped the {len(summary.dropped)} files that were indexed" if known else ""
            raise IndexProblem(f"nothing to index; {reasons or 'the files hold no text'}{gone}")
        _commit(store, kept, fresh, passages, embedder, chunking, rebuild, summary, watch)
        return summary


def _open_for_writing(folder: Path, dim: int, rebuild: bool) -> VectorStore:
    """The store to be changed; `rebuild` also opens a damaged one, by forgetting what it held."""
    try:
        return VectorStore(folder, None if (folder / "manifest.json").exists() else dim)
    except StoreError:
        if not rebuild:
            raise
        return VectorStore(folder, dim, reset=True)


def built_with(folder: Path) -> dict[str, Any] | None:
    """The passport, chunking and evidence of the index in a folder; None if there is no finished index."""
    if not (folder / "manifest.json").exists():
        return None
    with VectorStore(folder, mode="r") as store:
        return store.meta or None


def corpus_of(path: Path) -> Path:
    """The corpus of a BEIR folder, whose questions are no documents; any other path as it is."""
    corpus = path / "corpus.jsonl"
    return corpus if corpus.is_file() and (path / "queries.jsonl").is_file() else path


def _read_changed(
    files: dict[str, Path],
    hashes: dict[str, str],
    taken: set[str],
    chunking: Chunking,
    find_starts: Callable[[str], np.ndarray] | None,
    summary: Summary,
    watch: Watch,
) -> tuple[dict[str, Any], list[Passage]]:
    """Read and cut files: what `sources.json` says about each, and all their passages."""
    fresh: dict[str, Any] = {}
    passages: list[Passage] = []
    key_of = {source_of(file): key for key, file in files.items()}
    for item in watch(read_all(files.values()) if files else [], 0, "reading"):  # how many records, nobody knows yet
        if isinstance(item, Quarantined):
            summary.quarantined.append({"source": item.source, "reason": item.reason})
            continue
        entry = fresh.setdefault(
            key_of[item.source],
            {"source": item.source, "sha256": hashes[key_of[item.source]], "documents": 0, "chunks": [], "notes": []},
        )
        name = item.source
        if name in taken:  # docs/a.md, indexed from two working folders: two files
            name += "@" + hashlib.sha256(key_of[item.source].encode("utf-8", "surrogateescape")).hexdigest()[:8]
        found = passages_of(item, f"{name}:{entry['documents']}", chunking, find_starts)
        entry["documents"] += 1
        entry["chunks"] += [passage.id for passage in found]
        entry["notes"] += item.notes
        passages += found
        summary.notes += [{"source": item.source, "note": note} for note in item.notes]
    summary.read = [entry["source"] for entry in fresh.values()]
    return fresh, passages


def _commit(
    store: VectorStore,
    kept: dict[str, Any],
    fresh: dict[str, Any],
    passages: list[Passage],
    embedder: Embedder,
    chunking: Chunking,
    rebuild: bool,
    summary: Summary,
    watch: Watch,
) -> None:
    """Count and embed the new passages, keep the old ones, and swap everything in with one manifest."""
    old_ids = [id for entry in kept.values() for id in entry["chunks"]]
    new_terms = (terms(passage.search_text) for passage in watch(passages, len(passages), "analysing"))
    counts = TermCounts.from_terms(new_terms)
    if old_ids:
        old_counts, rows_of = load_terms(store)
        place = {id: row for row, id in enumerate(rows_of)}
        counts = old_counts.rows([place[id] for id in old_ids]).followed_by(counts)
    old = [
        Passage.from_payload(id, payload or {}) for id, payload in zip(old_ids, store.payloads(old_ids), strict=True)
    ]
    ids = old_ids + [passage.id for passage in passages]
    texts = [passage.search_text for passage in old + passages]
    gone = set(store.ids()) - set(ids)

    side: dict[str, Path] = {}
    if isinstance(embedder, LSA):  # refitted on what there is now, so every vector is new
        vectors = embedder.fit_counts(counts).embed_counts(counts)
        side["lsa"] = store.new_file_name("lsa", ".npz")
        _save(side["lsa"], embedder.parts())
        changed_ids, changed, replace = ids, vectors, True
        payloads = [passage.payload() for passage in old + passages]
    else:
        changed = embedder.embed(texts[len(old) :]) if passages else np.zeros((0, store.dim), np.float32)
        vectors = np.concatenate([store.vectors(old_ids), changed]) if old_ids else changed
        changed_ids, replace = ids[len(old) :], rebuild or not old_ids
        payloads = [passage.payload() for passage in passages]
    evidence = weigh(texts, counts, embedder)
    moments = Moments.of(vectors)
    for name in ("terms", "moments"):
        side[name] = store.new_file_name(name, ".npz")
    _save(side["terms"], {"ids": np.frombuffer(json.dumps(ids).encode(), np.uint8), **counts.parts()})
    _save(side["moments"], {"mean": moments.mean_D, "covariance": moments.covariance_DD})
    side["sources"] = store.new_file_name("sources", ".json")
    side["sources"].write_text(json.dumps(kept | fresh), encoding="utf-8")  # ASCII: a name may not be UTF-8
    meta = {"passport": passport(embedder, chunking), "chunking": asdict(chunking), "evidence": asdict(evidence)}
    store.commit(changed_ids, changed, payloads, delete=gone, meta=meta, files=side, replace=replace)
    summary.passages, summary.dense_weight, summary.warning = len(ids), evidence.dense_weight, evidence.warning


def open_index(folder: Path) -> VectorStore:
    """The store of a finished index, for reading. Raises IndexProblem if there is none."""
    if (folder / "manifest.json").exists():
        store = VectorStore(folder, mode="r")
        if store.meta:
            return store
        store.close()
    raise IndexProblem(f"{folder} holds no index yet; build one with: python main.py index PATH... --store {folder}")


def _save(path: Path, arrays: dict[str, np.ndarray]) -> None:
    np.savez(path, allow_pickle=False, **arrays)


def load_terms(store: VectorStore) -> tuple[TermCounts, list[str]]:
    """The term table of an index and the passage that each of its rows belongs to."""
    with np.load(store.files["terms"], allow_pickle=False) as parts:
        arrays = dict(parts)
    ids = json.loads(arrays.pop("ids").tobytes())
    return TermCounts.from_parts(**arrays), ids


def _sources(store: VectorStore) -> dict[str, Any]:
    sources: dict[str, Any] = json.loads(store.files["sources"].read_text(encoding="utf-8"))
    return sources


def _hash(file: Path) -> str:
    """sha256 of a file; empty for what can't be read, which the readers will explain."""
    try:
        with open_regular(file) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
    except Exception:
        return ""


def documents_in(store: VectorStore) -> Iterator[dict[str, Any]]:
    """What `doctor` lists: each indexed file with its passages and notes."""
    yield from _sources(store).values()
