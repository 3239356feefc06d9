"""The doctor says that a whole index is whole, and notices each way in which one can be broken."""

import json
import shutil

import pytest

from tiny_rag import doctor, index, segment, snapshot
from tiny_rag.doctor import examine
from tiny_rag.durable import StoreError
from tiny_rag.embedder import LSA
from tiny_rag.index import FORMAT, IndexProblem, passport, update
from tiny_rag.passages import Chunking
from tiny_rag.vector_store import VectorStore

SENTENCE = "Walkers may climb the Lantern Stair number {n}, which has {n}12 steps and a lantern on every step."


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("doctor")
    (folder / "docs").mkdir()
    for n in range(3):
        (folder / "docs" / f"{n}.txt").write_text(SENTENCE.format(n=n), encoding="utf-8")
    (folder / "docs" / "cut.txt").write_bytes("石阶三百一十二级，每十二级一盏灯。".encode("gb18030") + b"\xff\n")
    update(folder / "store", [folder / "docs"], LSA(), Chunking())
    return folder / "store"


@pytest.fixture
def store(whole, tmp_path):
    """A copy that a test may break."""
    shutil.copytree(whole, tmp_path / "store")
    return tmp_path / "store"


def edit(store, name, change):
    """Change a JSON side file and commit it, so that every checksum is right again."""
    with VectorStore(store) as opened:
        files = opened.files
        value = json.loads(files[name].read_text(encoding="utf-8"))
        change(value)
        files[name] = opened.new_file_name(name, ".json")
        files[name].write_text(json.dumps(value), encoding="utf-8")
        opened.commit(meta=opened.meta, files=files)


def test_a_whole_index(whole):
    report = examine(whole)
    assert report["problems"] == []
    assert report["passport"] == passport(LSA(), Chunking())
    assert report["passport"]["format"] == FORMAT
    assert (report["files"], report["passages"]) == (4, 4)
    assert 0 <= report["dense_weight"] <= 1
    assert report["evidence"]["probes"] == 0
    assert json.loads(json.dumps(report)) == report


def test_notes_of_the_readers_are_kept(whole):
    notes = examine(whole)["notes"]
    assert len(notes) == 1 and "cut.txt: " in notes[0]


def test_looking_changes_nothing(whole):
    before = {path.name: path.read_bytes() for path in whole.iterdir()}
    examine(whole)
    assert {path.name: path.read_bytes() for path in whole.iterdir()} == before


def test_without_an_index(tmp_path):
    with pytest.raises(IndexProblem, match="holds no index yet; build one"):
        examine(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "part",
    ["seg-*.f32", "seg-*.jsonl", "file-*-terms.npz", "file-*-lsa.npz", "file-*-moments.npz", "file-*-sources.json"],
)
@pytest.mark.parametrize("damage", ["a bit flipped", "cut", "gone"])
def test_damage_is_a_problem_with_a_way_out(store, part, damage):
    (path,) = store.glob(part)
    data = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(data[: len(data) // 2])
    else:
        middle = len(data) // 2
        path.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
    try:
        problems = examine(store)["problems"]
    except (StoreError, IndexProblem) as error:  # a store that can't even be opened says so itself
        problems = [str(error)]
    assert any(path.name in problem for problem in problems), problems
    assert any("index again" in problem or "rebuild" in problem for problem in problems), problems


@pytest.mark.parametrize("part", ["seg-*.f32", "file-*-lsa.npz"])
def test_a_large_file_that_is_only_measured_when_opened_is_read(store, monkeypatch, part):
    for module in (segment, snapshot):
        monkeypatch.setattr(module, "CHECK_AT_OPEN", 0)  # every file counts as large
    (path,) = store.glob(part)
    data = path.read_bytes()
    path.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
    (problem,) = examine(store)["problems"]
    assert path.name in problem and "checksum" in problem


def test_built_by_another_version(whole, monkeypatch):
    monkeypatch.setattr(doctor, "ANALYSER", "en-porter 0")
    (problem,) = examine(whole)["problems"]
    assert "analyser" in problem and "en-porter 0" in problem and "--rebuild" in problem
    monkeypatch.setattr(doctor, "FORMAT", "tiny-rag 2")
    assert len(examine(whole)["problems"]) == 2


def test_a_passage_that_no_file_lists(store):
    edit(store, "sources", lambda sources: next(iter(sources.values()))["chunks"].pop())
    (problem,) = examine(store)["problems"]
    assert problem.startswith("1 passages differ") and "list of files" in problem


def test_a_vector_that_is_missing(store):
    with VectorStore(store) as opened:
        opened.delete(opened.ids()[:2])
    problems = examine(store)["problems"]
    assert [problem.partition(" differ")[0] for problem in problems] == ["2 passages"] * 2


def test_a_leg_that_hurts_is_noted(store, whole):
    with VectorStore(store) as opened:
        meta = opened.meta
        meta["evidence"] |= {"probes": 50, "flat": 0.5, "faithful": 0.5, "keyword_finds": 0.9, "dense_finds": 0.1}
        opened.commit(meta=meta)
    report = examine(store)
    assert report["dense_weight"] != examine(whole)["dense_weight"]
    assert any("dense leg hurts" in note for note in report["notes"])
    assert report["problems"] == []


def test_documents_of_the_index(whole):
    with index.open_index(whole) as opened:
        entries = list(index.documents_in(opened))
    assert [entry["source"].rpartition("/")[2] for entry in entries] == ["0.txt", "1.txt", "2.txt", "cut.txt"]
