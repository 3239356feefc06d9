"""Refreshing an index: only what changed is read, nothing stale stays, and a crash leaves the old or the new one."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_shared.chat import Chat, ChatError
from tiny_shared.testing import FakeServer

from tiny_rag import api_embedder, index
from tiny_rag.embedder import LSA, OpenAICompatible
from tiny_rag.index import IndexProblem, documents_in, load_terms, update
from tiny_rag.passages import Chunking
from tiny_rag.readers import ReadError
from tiny_rag.search import MODES, Searcher
from tiny_rag.vector_store import VectorStore

CHUNKING = Chunking(20, 5)
TEXTS = {
    "bread.txt": "Bread needs flour and water. The baker kneads the dough before dawn.",
    "dome.txt": "The observatory opens at night. Visitors see the dome turn. Tickets are sold at the gate.",
    "ship.txt": "The propeller drives the ship through water. A slipstream forms behind it.",
    "台.txt": "天文台在山上，晚上开放。参观者可以用望远镜看木星。",
}


@pytest.fixture
def docs(tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


def refresh(store, *paths, embedder=None, chunking=CHUNKING, **options):
    return update(store, paths, embedder or LSA(8), chunking, **options)


def names(sources):
    return sorted(source.rsplit("/", 1)[-1] for source in sources)


def found(store, query, mode="bm25"):
    with Searcher(store) as searcher:
        return [(hit.passage.source.rsplit("/", 1)[-1], hit.passage.text) for hit in searcher.search(query, 10, mode)]


def check_consistent(store):
    """Term table, vectors and list of files speak of the same passages, each once."""
    with VectorStore(store, mode="r") as opened:
        opened.verify()
        _, ids = load_terms(opened)
        assert len(ids) == len(set(ids)) == len(opened)
        assert set(ids) == set(opened.ids())
        assert sorted(ids) == sorted(id for entry in documents_in(opened) for id in entry["chunks"])
        return [(payload or {})["text"] for payload in opened.payloads(ids)]


@pytest.fixture
def reads(monkeypatch):
    """The names of the files that are really opened by the readers."""
    seen: list[str] = []

    def read_all(files):
        files = list(files)
        seen.extend(file.name for file in files)
        return real(files)

    real = index.read_all
    monkeypatch.setattr(index, "read_all", read_all)
    return seen


def test_only_changed_files_are_read_again(docs, store, reads):
    first = refresh(store, docs)
    assert (names(first.read), first.unchanged, first.dropped) == (sorted(TEXTS), 0, [])
    assert first.passages == len(check_consistent(store)) > len(TEXTS)
    reads.clear()
    (docs / "dome.txt").write_text("The dome is closed for repair.", encoding="utf-8")
    (docs / "new.txt").write_text("A comet was seen.", encoding="utf-8")
    second = refresh(store, docs)
    assert sorted(reads) == names(second.read) == ["dome.txt", "new.txt"]
    assert (second.unchanged, second.dropped) == (3, [])
    texts = check_consistent(store)
    assert second.passages == len(texts)
    assert "The dome is closed for repair." in texts and not any("Tickets" in text for text in texts)
    assert found(store, "comet") == [("new.txt", "A comet was seen.")]
    assert found(store, "tickets") == [] and found(store, "repair")[0][0] == "dome.txt"


def test_nothing_changed_writes_nothing(docs, store, reads):
    refresh(store, docs)
    before = {file.name: file.stat().st_mtime_ns for file in store.iterdir() if file.name != "store.lock"}
    reads.clear()
    os.utime(docs / "dome.txt", (1, 1))  # touched, not changed
    again = refresh(store, docs)
    assert (again.read, again.unchanged, reads) == ([], 4, [])
    assert again.passages == len(check_consistent(store))
    assert {file.name: file.stat().st_mtime_ns for file in store.iterdir() if file.name != "store.lock"} == before


def test_vanished_files_are_dropped(docs, store):
    refresh(store, docs)
    (docs / "bread.txt").unlink()
    summary = refresh(store, docs)
    assert (names(summary.dropped), summary.read, summary.unchanged) == (["bread.txt"], [], 3)
    check_consistent(store)
    for mode in MODES:
        assert "bread.txt" not in dict(found(store, "bread flour dough", mode))


def test_a_renamed_file_is_found_under_its_new_name_alone(docs, store):
    refresh(store, docs)
    (docs / "bread.txt").rename(docs / "cake.txt")
    summary = refresh(store, docs)
    assert (names(summary.dropped), names(summary.read)) == (["bread.txt"], ["cake.txt"])
    assert {name for name, _ in found(store, "flour")} == {"cake.txt"}


def test_files_of_another_root_stay_until_they_vanish(docs, store, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "moon.txt").write_text("The moon circles the earth.", encoding="utf-8")
    refresh(store, docs)
    summary = refresh(store, other)
    assert (names(summary.read), summary.unchanged, summary.dropped) == (["moon.txt"], 0, [])
    assert found(store, "moon") and found(store, "dough")
    (docs / "bread.txt").unlink()
    assert names(refresh(store, other).dropped) == ["bread.txt"]
    assert found(store, "moon") and found(store, "propeller") and not found(store, "dough")
    check_consistent(store)


def test_files_of_one_name_in_two_places_are_kept_apart(docs, store, tmp_path, monkeypatch):
    """Indexed by the same relative path from two working folders."""
    twin = tmp_path / "elsewhere" / "docs"
    twin.mkdir(parents=True)
    (twin / "dome.txt").write_text("A dome of chocolate is a dessert.", encoding="utf-8")
    monkeypatch.chdir(docs.parent)
    refresh(store, "docs")
    monkeypatch.chdir(twin.parent)
    refresh(store, "docs")
    texts = check_consistent(store)
    assert "A dome of chocolate is a dessert." in texts
    assert any("Tickets" in text for text in texts)
    assert found(store, "chocolate") and found(store, "tickets")[0][1] != found(store, "chocolate")[0][1]


def test_the_same_file_by_another_path_is_not_indexed_twice(docs, store, monkeypatch):
    refresh(store, docs)
    monkeypatch.chdir(docs)
    assert refresh(store, "dome.txt", "./dome.txt", docs / "*.txt").unchanged == 4
    check_consistent(store)


def test_a_glob_drops_only_what_is_gone(docs, store):
    refresh(store, docs)
    (docs / "bread.txt").unlink()
    summary = refresh(store, docs / "s*.txt")
    assert (summary.unchanged, names(summary.dropped)) == (1, ["bread.txt"])
    assert found(store, "tickets")


def test_a_file_that_became_unreadable_is_dropped_and_named(docs, store):
    refresh(store, docs)
    (docs / "dome.txt").write_bytes(b" \n ")
    summary = refresh(store, docs)
    assert names(summary.dropped) == names(item["source"] for item in summary.quarantined) == ["dome.txt"]
    assert "white space" in summary.quarantined[0]["reason"]
    assert found(store, "tickets") == []
    check_consistent(store)
    again = refresh(store, docs)  # still named, no longer dropped
    assert (again.dropped, len(again.quarantined), again.unchanged) == ([], 1, 3)
    (docs / "dome.txt").write_text(TEXTS["dome.txt"], encoding="utf-8")
    assert names(refresh(store, docs).read) == ["dome.txt"]
    assert found(store, "tickets")


def test_one_bad_record_leaves_the_others(docs, store):
    lines = [json.dumps({"_id": "a", "text": "A comet."}), "{broken", json.dumps({"_id": "b", "text": "A meteor."})]
    (docs / "records.jsonl").write_text("\n".join(lines), encoding="utf-8")
    summary = refresh(store, docs)
    assert [item["source"].rsplit("/", 1)[-1] for item in summary.quarantined] == ["records.jsonl:2"]
    assert found(store, "comet") and found(store, "meteor")
    check_consistent(store)


def test_a_store_among_the_documents_does_not_index_itself(docs):
    refresh(docs / "store", docs)
    again = refresh(docs / "store", docs)
    assert (again.unchanged, again.read, again.quarantined) == (len(TEXTS), [], [])


def test_of_a_beir_folder_only_the_corpus_is_indexed(tmp_path, store):
    (tmp_path / "corpus.jsonl").write_text(json.dumps({"_id": "a", "text": "A comet."}), encoding="utf-8")
    (tmp_path / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": "Where is the meteor?"}), encoding="utf-8")
    assert names(refresh(store, tmp_path).read) == ["corpus.jsonl"]
    assert found(store, "comet") and not found(store, "meteor")


@pytest.mark.parametrize("order", [sorted(TEXTS), sorted(TEXTS, reverse=True)])
def test_at_once_or_one_by_one_gives_the_same_results(docs, store, tmp_path, order):
    refresh(store, docs)
    for name in order:
        refresh(tmp_path / "slow", docs / name)
    assert sorted(check_consistent(store)) == sorted(check_consistent(tmp_path / "slow"))
    with Searcher(store) as at_once, Searcher(tmp_path / "slow") as slowly:
        for query in ("water for the ship", "observatory at night", "望远镜", "dough"):
            for mode in MODES:
                expected = {hit.passage.id: hit.score for hit in at_once.search(query, 20, mode)}
                scores = {hit.passage.id: hit.score for hit in slowly.search(query, 20, mode)}
                assert scores == pytest.approx(expected, abs=1e-4)


# ---- the passport --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options, named",
    [
        ({"embedder": LSA(16)}, "embedder 'lsa-8', you asked for 'lsa-16'"),
        ({"chunking": Chunking(30, 5)}, "chunker '20 tokens.*you asked for '30 tokens"),
        ({"embedder": OpenAICompatible(lambda texts: [], "m")}, "'lsa-8', you asked for 'api:m'"),
    ],
)
def test_another_embedder_or_chunker_is_refused(docs, store, options, named):
    refresh(store, docs)
    (docs / "new.txt").write_text("A comet was seen.", encoding="utf-8")
    with pytest.raises(IndexProblem, match=named + ".*--rebuild"):
        refresh(store, docs, **options)
    assert found(store, "dough") and not found(store, "comet")


def test_another_analyser_is_refused(docs, store, monkeypatch):
    refresh(store, docs)
    monkeypatch.setattr(index, "ANALYSER", "en-none 2")
    with pytest.raises(IndexProblem, match="analyser 'en-snowball.*'en-none 2'"):
        refresh(store, docs)


def test_rebuild_reads_everything_anew(docs, store, reads):
    refresh(store, docs)
    reads.clear()
    summary = refresh(store, docs, embedder=LSA(3), chunking=Chunking(8, 0), rebuild=True)
    assert sorted(reads) == names(summary.read) == sorted(TEXTS)
    assert summary.passages == len(check_consistent(store)) > 8
    with Searcher(store) as searcher:
        assert searcher.store.dim == 3 and searcher.passport["embedder"] == "lsa-3"
    assert refresh(store, docs, embedder=LSA(3), chunking=Chunking(8, 0)).unchanged == 4


def test_nothing_to_index_is_said_with_the_reason(tmp_path, store):
    (tmp_path / "blank.txt").write_text(" ")
    with pytest.raises(IndexProblem, match="nothing to index.*blank.txt.*white space"):
        refresh(store, tmp_path / "blank.txt")
    with pytest.raises(ReadError, match="no such file"):
        refresh(store, tmp_path / "nowhere")


def test_the_weight_of_the_legs_is_kept(docs, store):
    first = refresh(store, docs)
    again = refresh(store, docs)
    with Searcher(store) as searcher:
        assert first.dense_weight == again.dense_weight == searcher.evidence.dense_weight > 0


# ---- a server's embeddings -----------------------------------------------------------------------------------------


@pytest.fixture
def server():
    with FakeServer() as server:
        yield server


def remote(server, cache):
    return OpenAICompatible(Chat(server.settings, retries=0).embed, "tiny-embed", cache)


def asked(server):
    return [text for request in server.requests for text in request.body["input"]]


def test_a_server_is_asked_only_for_what_is_new(docs, store, server):
    cache = store.parent / "cache"
    first = refresh(store, docs, embedder=remote(server, cache))
    assert sorted(asked(server)) == sorted(check_consistent(store)) and len(asked(server)) == first.passages
    server.requests.clear()
    (docs / "new.txt").write_text("A comet was seen.", encoding="utf-8")
    refresh(store, docs, embedder=remote(server, None))  # without a cache: the old vectors come from the store
    assert asked(server) == ["A comet was seen."]
    check_consistent(store)
    with Searcher(store, lambda name: remote(server, cache)) as searcher:
        vectors = searcher.store.vectors(searcher.ids)
        texts = [(payload or {})["text"] for payload in searcher.store.payloads(searcher.ids)]
        np.testing.assert_allclose(vectors, remote(server, cache).embed(texts), atol=1e-6)
        assert searcher.search("A comet was seen.", 1, "dense")[0].score == pytest.approx(1, abs=1e-5)


def test_vanished_files_are_dropped_with_a_server_too(docs, store, server):
    refresh(store, docs, embedder=remote(server, None))
    server.requests.clear()
    (docs / "bread.txt").unlink()
    summary = refresh(store, docs, embedder=remote(server, None))
    assert names(summary.dropped) == ["bread.txt"] and not asked(server)
    check_consistent(store)
    assert found(store, "dough") == [] and found(store, "tickets")


def test_indexing_that_dies_of_429_goes_on_where_it_stopped(docs, store, server, monkeypatch):
    monkeypatch.setattr(api_embedder, "BATCH_TEXTS", 3)
    cache = store.parent / "cache"
    server.faults = ["ok", "429"]
    with pytest.raises(ChatError):
        refresh(store, docs, embedder=remote(server, cache))
    first_batch = server.requests[0].body["input"]
    with pytest.raises(IndexProblem, match="no index yet"):
        Searcher(store)
    server.requests.clear()
    refresh(store, docs, embedder=remote(server, cache))
    assert first_batch and not set(first_batch) & set(asked(server))
    assert sorted(first_batch + asked(server)) == sorted(check_consistent(store))


def test_from_lsa_to_a_server_and_back(docs, store, server):
    refresh(store, docs)
    refresh(store, docs, embedder=remote(server, None), rebuild=True)
    with Searcher(store, lambda name: remote(server, None)) as searcher:
        assert searcher.store.dim == 64 and "lsa" not in searcher.store.files
        assert searcher.search("baker kneads dough", 1, "dense")[0].passage.source.endswith("bread.txt")
    refresh(store, docs, rebuild=True)
    assert found(store, "dough", "hybrid")[0][0] == "bread.txt"


# ---- kill -9 -------------------------------------------------------------------------------------------------------

CHILD = """
import os, signal, sys
from pathlib import Path
from tiny_rag.embedder import LSA
from tiny_rag.index import update
from tiny_rag.passages import Chunking

store, docs, last = sys.argv[1], sys.argv[2], int(sys.argv[3])
steps = 0

def die_at_last(event, arguments):
    # before each change to the store's folder; SIGTERM on Windows ends a process just as hard
    global steps
    changes = event in ("os.rename", "os.remove") or event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    if changes and str(arguments[0]).startswith(store):
        if steps == last:
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
        steps += 1

sys.addaudithook(die_at_last)
update(Path(store), [docs], LSA(8), Chunking(20, 5))
print(steps)
"""


def test_killed_while_updating_an_index_is_the_old_or_the_new_one(docs, store, tmp_path):
    """Killed before the first change on disk, before the last, and at eight places between them."""
    track = Path(__file__).parent.parent

    def run(last: int) -> str:
        command = [sys.executable, "-c", CHILD, str(store), str(docs), str(last)]
        environment = {**os.environ, "PYTHONPATH": str(track), "PYTHONUTF8": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        assert (done.returncode != 0) == (last >= 0), done.stderr
        return done.stdout

    refresh(store, docs)
    shutil.copytree(store, tmp_path / "before")
    old = sorted(check_consistent(store))
    (docs / "dome.txt").write_text("The dome is closed for repair.", encoding="utf-8")
    (docs / "bread.txt").unlink()
    (docs / "comet.txt").write_text("A comet was seen.", encoding="utf-8")
    steps = int(run(-1))
    new = sorted(check_consistent(store))
    assert old != new and steps > 10

    outcomes = []
    for kill in range(10):
        shutil.rmtree(store)
        shutil.copytree(tmp_path / "before", store)
        run(kill * (steps - 1) // 9)
        after = sorted(check_consistent(store))
        assert after in (old, new)
        assert bool(found(store, "comet", "hybrid")) == (after == new)
        outcomes.append(after == new)
        refresh(store, docs)  # the next run completes it, and clears up
        assert sorted(check_consistent(store)) == new
        with VectorStore(store, mode="r") as opened:
            named = {path.name for path in opened.files.values()}
        assert {path.name for path in store.glob("file-*")} == named
    assert outcomes == sorted(outcomes) and True in outcomes and False in outcomes
