"""The processes that test_kill.py starts: a worker to be killed, a writer that holds the lock, a reader that watches.

What the worker does in step n follows from n alone, so that the parent can say what a store must hold after n steps.
"""

import random
import sys
import time
from pathlib import Path

import numpy as np

from tiny_rag.vector_store import VectorStore

DIM = 8
Model = dict[str, tuple[list[float], dict]]


def step(number: int) -> dict:
    """The arguments of commit() in step `number`; empty means compact()."""
    rng = random.Random(number)
    if number % 7 == 3:
        return {}
    names = [f"文-{rng.randrange(60)}" for _ in range(rng.choice([1, 1, 3, 40]))]
    if number % 97 == 50:
        names = [f"big-{row}" for row in range(5000)]  # more than a block: written in portions
    change = {
        "ids": names,
        "vectors": np.random.default_rng(number).integers(-9, 9, (len(names), DIM)).astype(np.float32),
        "payloads": [{"step": number, "row": row} for row in range(len(names))],
    }
    if number % 3 == 1:
        change["delete"] = [f"文-{rng.randrange(60)}" for _ in range(10)]
    if number % 5 == 2:
        change["meta"] = {"step": number}
    if number % 11 == 5:
        change["replace"] = True
    return change


def apply(model: Model, meta: dict, change: dict) -> tuple[Model, dict]:
    """What the change does, in plain Python: the state after it."""
    after = {} if change.get("replace") else dict(model)
    for name in change.get("delete", []):
        after.pop(name, None)
    for name, vector, payload in zip(
        change.get("ids", []), change.get("vectors", []), change.get("payloads", []), strict=True
    ):
        after.pop(name, None)  # an upsert moves the id to the end
        after[name] = (vector.tolist(), payload)
    return after, change.get("meta", meta)


def work(path: Path, first: int) -> None:
    """Steps without end; each is acknowledged by a line once its call has returned."""
    print("ready", flush=True)
    with VectorStore(path, DIM) as store:
        number = first
        while True:
            change = step(number)
            if not change:
                store.compact()
            else:
                if "meta" in change:
                    side = store.new_file_name("side", ".txt")
                    side.write_text(str(number))
                    change["files"] = {"side": side}
                store.commit(**change)
            print(number, flush=True)
            number += 1


def hold(path: Path) -> None:
    with VectorStore(path, DIM):
        print("ready", flush=True)
        time.sleep(600)


def watch(path: Path) -> None:
    """Print every version of the store that is seen; fail if one ever mixes two versions."""
    with VectorStore(path, mode="r") as store:
        while True:
            version = store.meta["version"]
            scores, ids = store.search(np.ones(DIM), 1000)
            stored = {payload["version"] for payload in store.payloads(ids[0]) if payload}
            if len(ids[0]) != 50 or set(scores[0].tolist()) != {float(DIM * version)} or stored != {version}:
                sys.exit(f"version {version}: {len(ids[0])} rows, scores {set(scores[0].tolist())}, payloads {stored}")
            print(version, flush=True)
            while not store.reload():
                time.sleep(0.001)


if __name__ == "__main__":
    role, folder, *rest = sys.argv[1:]
    if role == "work":
        work(Path(folder), int(rest[0]))
    elif role == "hold":
        hold(Path(folder))
    else:
        watch(Path(folder))
