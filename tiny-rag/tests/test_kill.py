"""The promise of the store, with real processes: killed at any moment, it loses nothing that was acknowledged."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, cast

import numpy as np
import pytest

import kill_child
from tiny_rag.vector_store import StoreError, VectorStore

KILLS = 100


class Child:
    """A process that has begun to work: its first line has arrived."""

    def __init__(self, *arguments: object) -> None:
        command = [sys.executable, kill_child.__file__, *map(str, arguments)]
        track = str(Path(__file__).parent.parent)
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, stdout=pipe, stderr=pipe, text=True, env={**os.environ, "PYTHONPATH": track, "PYTHONUTF8": "1"}
        )
        self.output = cast(IO[str], self.process.stdout)
        self.line()

    def line(self) -> str:
        """The next line it prints; if it ended instead, the test fails with what it said last."""
        line = self.output.readline()
        if not line:
            pytest.fail(f"the child ended: {self.process.communicate()[1]}")
        return line

    def kill(self) -> list[str]:
        """End it as `kill -9` does, and return the lines that it had still printed."""
        self.process.kill()
        lines, _ = self.process.communicate()
        return lines.split()


@pytest.fixture
def start() -> Iterator[Callable[..., Child]]:
    children: list[Child] = []

    def start(*arguments: object) -> Child:
        children.append(Child(*arguments))
        return children[-1]

    yield start
    for child in children:
        if child.process.poll() is None:
            child.kill()


def contents(store: VectorStore) -> tuple[kill_child.Model, dict]:
    ids = store.ids()
    assert len(ids) == len(set(ids)) == len(store), "a row is there twice"
    rows = zip(ids, store.vectors(ids).tolist(), store.payloads(ids), strict=True)
    return {id: (vector, payload or {}) for id, vector, payload in rows}, store.meta


def test_a_hundred_kills_lose_nothing(tmp_path, start):
    """One store survives them all. After each: everything acknowledged is there, the step under way wholly or not."""
    path = tmp_path / "store"
    rng = random.Random(2)
    state: tuple[kill_child.Model, dict] = ({}, {})
    done = cut = 0
    for _ in range(KILLS):
        child = start("work", path, done)
        time.sleep(rng.uniform(0, 0.06))
        for number in child.kill():
            assert int(number) == done
            state = kill_child.apply(*state, kill_child.step(done))
            done += 1
        following = kill_child.apply(*state, kill_child.step(done))
        with VectorStore(path, kill_child.DIM) as store:
            store.verify()
            found, meta = contents(store)
            assert (found, meta) in (state, following)
            assert list(found) in (list(state[0]), list(following[0])), "the order of the rows has changed"
            if "side" in store.files:
                assert store.files["side"].read_text() == str(meta["step"])
            if (found, meta) != state:
                state, done, cut = following, done + 1, cut + 1
            named = {"manifest.json", "store.lock", *store._snapshot.manifest.file_names()}
            assert {file.name for file in path.iterdir()} == named, "a crash left files behind"
    assert done > KILLS, "the children hardly got to work"
    assert cut, "no kill fell between a change and its acknowledgement"


def test_second_writer_is_refused_until_the_first_dies(tmp_path, start):
    with VectorStore(tmp_path, kill_child.DIM) as store:
        store.add(["a"], np.ones((1, kill_child.DIM)))
    child = start("hold", tmp_path)
    with pytest.raises(
        StoreError, match=rf"another process \(pid {child.process.pid}\) is writing .*wait .* read-only"
    ):
        VectorStore(tmp_path, kill_child.DIM)
    with VectorStore(tmp_path, mode="r") as reader:
        assert reader.ids() == ["a"]
    child.kill()
    with VectorStore(tmp_path, kill_child.DIM) as store:  # no stale lock: the kernel dropped it
        store.add(["b"], np.ones((1, kill_child.DIM)))


def test_readers_see_only_whole_states(tmp_path, start):
    """Three processes search without pause while this one changes every row, in one commit after another."""

    def commit(version: int) -> None:
        ids = [f"row-{row}" for row in range(50)]
        vectors = np.full((50, kill_child.DIM), version)
        store.commit(ids, vectors, [{"version": version}] * 50, meta={"version": version})
        if version % 5 == 0:
            store.compact()

    with VectorStore(tmp_path, kill_child.DIM) as store:
        commit(0)
        readers = [start("watch", tmp_path) for _ in range(3)]
        for version in range(1, 200):
            commit(version)
        for reader in readers:
            seen = 0
            while seen < 199:  # up to the last version
                before, seen = seen, int(reader.line())
                assert seen > before
