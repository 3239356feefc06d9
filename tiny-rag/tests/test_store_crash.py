"""Every moment of a change, one by one: power cuts, full disks, Ctrl-C, and files that were damaged later.

`PowerCuts` watches the store write, and keeps for each moment what a disk may hold if the power fails right then.
"""

import errno
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from tiny_rag import durable, snapshot, vector_store
from tiny_rag.manifest import read_manifest
from tiny_rag.vector_store import StoreError, VectorStore

PRIMITIVES = [(durable, "_write"), (durable, "_sync"), (durable, "_rename"), (durable, "sync_folder")]


def fill(path) -> None:
    with VectorStore(path, 2) as store:
        store.add([f"old-{row}" for row in range(6)], np.ones((6, 2)), [{"n": row} for row in range(6)])
        store.add(["x"], [[3, 3]], [{"n": 7}])
        side = store.new_file_name("side", ".txt")
        side.write_text("old")
        store.commit(meta={"state": "old"}, files={"side": side})


def everything(store: VectorStore) -> tuple:
    ids = store.ids()
    sides = {name: path.read_text() for name, path in store.files.items()}
    return ids, store.vectors(ids).tolist(), store.payloads(ids), store.meta, sides, store.dim


def commit_with_side_file(store: VectorStore) -> None:
    side = store.new_file_name("side", ".txt")
    side.write_text("new")
    store.commit(["old-1", "n"], [[4, 4], [5, 5]], delete=["old-2"], meta={"state": "new"}, files={"side": side})


CHANGES = {
    "add": lambda store: store.add(["n", "old-3"], [[1, 2], [3, 4]], [{"n": "new"}, None]),
    "add one that merges": lambda store: store.add(["n"], [[1, 2]]),
    "delete": lambda store: store.delete(["old-0", "x"]),
    "delete most": lambda store: store.delete([f"old-{row}" for row in range(5)]),
    "compact": lambda store: store.compact(),
    "commit": commit_with_side_file,
    "replace": lambda store: store.commit(["z"], [[1, 2, 3]], replace=True, meta={"state": "new"}, files={}),
}


class PowerCuts:
    """A disk that may lose what was not flushed: contents without a sync, names without a sync of their folder."""

    def __init__(self, folder, monkeypatch) -> None:
        self.folder = folder
        self.contents = {path.name: [path.read_bytes()] for path in folder.iterdir()}  # on disk, by current name
        self.names = dict(self.contents)  # the folder as the disk has it
        self.states: list[dict[str, bytes]] = []
        for module, primitive in PRIMITIVES:
            monkeypatch.setattr(module, primitive, self.watched(getattr(module, primitive), primitive))
        monkeypatch.setattr(vector_store, "sync_folder", durable.sync_folder)

    def watched(self, real, primitive):
        def spy(*arguments):
            if primitive == "_write":
                file, chunk = arguments
                if file.tell() == 0:
                    self.contents[os.path.basename(file.name)] = [b""]
                real(file, chunk[: len(chunk) // 2])
                file.flush()
                self.record()
                real(file, chunk[len(chunk) // 2 :])
                file.flush()
            else:
                self.record()
                real(*arguments)
            if primitive == "_sync":
                name = os.path.basename(arguments[0].name)
                self.contents.setdefault(name, [b""])[0] = (self.folder / name).read_bytes()
            elif primitive == "_rename":
                self.contents[arguments[1].name] = self.contents.pop(arguments[0].name)
            elif primitive == "sync_folder":
                self.names = {path.name: self.contents.get(path.name, [b""]) for path in self.folder.iterdir()}
            self.record()

        return spy

    def record(self) -> None:
        there = [path.name for path in self.folder.iterdir()]
        self.states += [
            {name: (self.folder / name).read_bytes() for name in there},  # only the process died
            {name: self.contents.get(name, [b""])[0] for name in there},  # the names had reached the disk by chance
            {name: content[0] for name, content in self.names.items()},  # they had not
            {name: content[0] for name, content in {**self.names, **self.renamed()}.items()},  # only the rename had
        ]

    def renamed(self) -> dict[str, list[bytes]]:
        return {name: content for name, content in self.contents.items() if name == "manifest.json"}


def restored(state: dict[str, bytes], folder) -> tuple:
    """What a program finds that opens the store after the power cut."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, data in state.items():
        (folder / name).write_bytes(data)
    with VectorStore(folder) as store:
        store.verify()
        found = everything(store)
        store.add(["later"], np.ones((1, store.dim)))  # and it can go on working
        assert "later" in store
    return found


@pytest.mark.parametrize("change", CHANGES)
def test_a_power_cut_at_any_moment_leaves_the_old_state_or_the_new(tmp_path, monkeypatch, change):
    path = tmp_path / "store"
    fill(path)
    with VectorStore(path) as store:
        old = everything(store)
        with monkeypatch.context() as patch:
            cuts = PowerCuts(path, patch)
            CHANGES[change](store)
            cuts.record()
        new = everything(store)
    states = [restored(state, tmp_path / "cut") for state in unique(cuts.states)]
    assert len(states) > 4
    assert all(state in (old, new) for state in states)
    assert states[0] == old
    assert [restored(state, tmp_path / "cut") for state in cuts.states[-4:]] == [new] * 4, "returned, yet not durable"


def unique(states: list[dict[str, bytes]]) -> list[dict[str, bytes]]:
    return list({tuple(sorted(state.items())): state for state in states}.values())


def test_a_power_cut_while_the_store_is_made(tmp_path, monkeypatch):
    path = tmp_path / "store"
    path.mkdir()
    with monkeypatch.context() as patch:
        cuts = PowerCuts(path, patch)
        VectorStore(path, 2).close()
    for state in unique(cuts.states):
        shutil.rmtree(path)
        path.mkdir()
        for name, data in state.items():
            (path / name).write_bytes(data)
        with VectorStore(path, 2) as store:
            assert len(store) == 0


def test_new_folders_are_flushed_into_their_parents(tmp_path, monkeypatch):
    flushed: list[Path] = []
    monkeypatch.setattr(vector_store, "sync_folder", flushed.append)
    VectorStore(tmp_path / "deep" / "store", 2).close()
    assert {tmp_path, tmp_path / "deep"} <= set(flushed)


@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("change", CHANGES)
def test_after_a_failure_memory_and_disk_agree_and_work_goes_on(tmp_path, monkeypatch, change, failure):
    """A full disk, or Ctrl-C, at the first primitive step, at the second … until the change succeeds."""
    path = tmp_path / "store"
    for fail_at in range(100):
        shutil.rmtree(path, ignore_errors=True)
        fill(path)
        with VectorStore(path) as store:
            old = everything(store)
            with monkeypatch.context() as patch:
                steps = fail_after(fail_at, failure, patch)
                try:
                    CHANGES[change](store)
                    failed = False
                except type(failure):
                    failed = True
            named = {"manifest.json", "store.lock", *store._snapshot.manifest.file_names()}
            left = {name for name in os.listdir(path) if name not in named and not name.startswith("file-")}
            with VectorStore(path, mode="r") as reader:
                assert everything(reader) == everything(store)
            if not failed:
                assert fail_at == len(steps) and fail_at > 3
                return
            if steps[-2:] != ["_rename", "sync_folder"]:  # after the rename the new state is there to stay
                assert everything(store) == old
                assert not left, f"failed at {steps}, left {left}"
            CHANGES[change](store)
            assert everything(store) != old or change == "compact"
            store.verify()
    pytest.fail("the change never got through")


def fail_after(count: int, failure: BaseException, patch) -> list[str]:
    """Let `count` primitive steps pass and fail the next one (a write fails half-way); returns the steps, as taken."""
    steps: list[str] = []

    def failing(real, name):
        def spy(*arguments):
            if len(steps) == count:
                steps.append(name)
                if name == "_write":
                    real(arguments[0], arguments[1][: len(arguments[1]) // 2])
                raise failure
            steps.append(name)
            real(*arguments)

        return spy

    for module, name in PRIMITIVES:
        patch.setattr(module, name, failing(getattr(module, name), name))
    patch.setattr(vector_store, "sync_folder", durable.sync_folder)
    return steps


def data_files(path) -> list:
    return sorted(file for file in path.iterdir() if file.name != "store.lock")


@pytest.mark.parametrize("number", range(6))
def test_a_damaged_file_is_named_never_believed(tmp_path, number):
    """Every file, cut at any length or with any bit flipped, is refused when the store is opened."""
    fill(tmp_path)
    files = data_files(tmp_path)
    assert len(files) == 6
    file = files[number]
    intact = file.read_bytes()
    for cut in range(0, len(intact), max(1, len(intact) // 40)):
        refused(file, intact[:cut])
        flipped = bytearray(intact)
        flipped[cut] ^= 1 << cut % 8
        if file.name != "manifest.json" or changes_meaning(intact, flipped):
            refused(file, bytes(flipped))
    refused(file, intact + b"\n" if file.name != "manifest.json" else intact + b"}")
    file.write_bytes(intact)
    VectorStore(tmp_path).close()


def changes_meaning(intact: bytes, flipped: bytearray) -> bool:
    try:
        return json.loads(flipped) != json.loads(intact)
    except ValueError:
        return True


def refused(file, data: bytes) -> None:
    file.write_bytes(data)
    for mode in ("r", "w"):
        with pytest.raises(StoreError, match=rf"{file.name}.* damaged.*; restore .* or delete it and index again"):
            VectorStore(file.parent, mode=mode)


def test_big_files_are_measured_at_once_and_read_by_verify(tmp_path, monkeypatch):
    fill(tmp_path)
    monkeypatch.setattr("tiny_rag.segment.CHECK_AT_OPEN", 0)
    monkeypatch.setattr("tiny_rag.snapshot.CHECK_AT_OPEN", 0)
    for file in data_files(tmp_path):
        intact = file.read_bytes()
        if file.suffix in (".f32", ".txt"):
            file.write_bytes(intact[:-1] + bytes([intact[-1] ^ 1]))
            with VectorStore(tmp_path) as store, pytest.raises(StoreError, match=f"{file.name} is damaged"):
                store.verify()
            file.write_bytes(intact[:-1])
            with pytest.raises(StoreError, match=rf"{file.name} is damaged: \d+ bytes, {len(intact)} expected"):
                VectorStore(tmp_path)
            file.write_bytes(intact)
    with VectorStore(tmp_path) as store:
        store.verify()


def test_a_missing_file_is_named(tmp_path):
    fill(tmp_path)
    for file in data_files(tmp_path):
        hidden = file.rename(tmp_path / "hidden")
        message = "holds segments but no manifest" if file.name == "manifest.json" else f"{file.name} is missing"
        with pytest.raises(StoreError, match=message) if file.name != "manifest.json" else pytest.raises(StoreError):
            VectorStore(tmp_path, mode="r")
        with pytest.raises(StoreError, match=message):
            VectorStore(tmp_path, 2)
        hidden.rename(file)


def test_a_reader_that_comes_too_late_for_a_file_reads_the_manifest_again(tmp_path, monkeypatch):
    fill(tmp_path)
    stale = read_manifest(tmp_path)
    with VectorStore(tmp_path) as store:
        CHANGES["replace"](store)  # deletes every file that the stale manifest names
    answers = iter([stale])
    monkeypatch.setattr(snapshot, "read_manifest", lambda folder: next(answers, None) or read_manifest(folder))
    with VectorStore(tmp_path, mode="r") as reader:
        assert reader.ids() == ["z"]


def test_a_newer_format_is_not_guessed_at(tmp_path, monkeypatch):
    monkeypatch.setattr("tiny_rag.manifest.FORMAT", 2)
    fill(tmp_path)
    monkeypatch.undo()
    with pytest.raises(StoreError, match="has format 2, this program reads 1; update it"):
        VectorStore(tmp_path)
