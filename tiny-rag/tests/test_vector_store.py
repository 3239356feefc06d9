"""The store as its users see it: what goes in comes out, and what cannot go in is refused with the next step."""

import json
import os
import threading

import numpy as np
import pytest

from tiny_rag import durable
from tiny_rag.threads import limit_threads
from tiny_rag.vector_store import StoreError, VectorStore


@pytest.fixture
def store(tmp_path):
    with VectorStore(tmp_path / "store", 2) as store:
        store.add(["a", "b", "c"], [[1, 0], [0, 1], [2, 0]], [{"n": 1}, None, {"文": "档"}])
        yield store


def segment_count(store: VectorStore) -> int:
    return len(json.loads((store.path / "manifest.json").read_text())["body"]["segments"])


def test_search_returns_scores_and_ids_best_first(store):
    scores, ids = store.search([[1, 0], [0, -1]], 2)
    assert scores.dtype == np.float32
    assert scores.tolist() == [[2, 1], [0, 0]]
    assert ids == [["c", "a"], ["a", "c"]]  # the tie in the second row keeps the order of insertion


def test_one_query_may_be_a_plain_vector(store):
    scores, ids = store.search(np.array([1, 0]), 1)
    assert (scores.tolist(), ids) == ([[2]], [["c"]])


def test_results_are_never_padded(store):
    scores, ids = store.search([1, 0], 10)
    assert scores.shape == (1, 3)
    store.delete(["a", "b"])
    assert store.search([1, 0], 10)[1] == [["c"]]
    store.delete(["c"])
    scores, ids = store.search([[1, 0], [1, 1]], 10)
    assert (scores.shape, ids) == ((2, 0), [[], []])


def test_no_queries_give_no_rows(store):
    scores, ids = store.search(np.empty((0, 2)), 2)
    assert (scores.shape, ids) == ((0, 2), [])


def test_everything_is_there_after_reopening(store):
    store.commit(meta={"embedder": "lsa"}, delete=["a"])
    store.close()
    with VectorStore(store.path, 2) as again:
        assert again.ids() == ["b", "c"]
        assert again.payloads(["c", "b"]) == [{"文": "档"}, None]
        assert again.vectors(["c", "b"]).tolist() == [[2, 0], [0, 1]]
        assert again.meta == {"embedder": "lsa"}
        assert "a" not in again and "b" in again and len(again) == 2


def test_upsert_replaces_and_moves_to_the_end(store):
    store.add(["a"], [[5, 5]], [{"n": 2}])
    assert store.ids() == ["b", "c", "a"]
    assert store.payload("a") == {"n": 2}
    assert len(store) == 3


def test_of_equal_ids_in_one_call_the_last_wins(store):
    store.add(["d", "e", "d"], [[1, 1], [2, 2], [3, 3]], [{"n": 1}, {"n": 2}, {"n": 3}])
    assert store.ids() == ["a", "b", "c", "e", "d"]
    assert store.vectors(["d", "e"]).tolist() == [[3, 3], [2, 2]]
    assert store.payloads(["d", "e"]) == [{"n": 3}, {"n": 2}]


def test_delete_says_how_many_there_were(store):
    assert store.delete(["a", "a", "nobody"]) == 1
    assert store.delete(["a"]) == 0


def test_an_empty_change_writes_nothing(store):
    before = store.generation
    store.add([], [])
    store.add([], np.empty((0, 2), dtype=np.float32), [])
    store.delete([])
    assert store.generation == before


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4", np.int32])
@pytest.mark.parametrize("order", ["C", "F"])
def test_any_number_type_and_memory_order(store, dtype, order):
    vectors = np.array([[3, 4], [5, 6], [7, 8]], dtype=dtype, order=order)
    store.add(["x", "y", "z"], vectors)
    store.add(["strided"], vectors[::2][1:])
    assert store.vectors(["x", "y", "z", "strided"]).tolist() == [[3, 4], [5, 6], [7, 8], [7, 8]]


def test_many_small_adds_leave_few_segments(store):
    for number in range(300):
        store.add([f"id-{number}"], [[number, 1]], [{"number": number}])
        assert segment_count(store) <= 9  # log2(303) = 8.2
    assert store.ids()[3:] == [f"id-{number}" for number in range(300)]
    assert store.payload("id-17") == {"number": 17}


def test_segments_that_get_shorter_by_one_are_merged_too(store):
    for rows in range(40, 0, -1):
        store.add([f"{rows}-{row}" for row in range(rows)], np.ones((rows, 2)))
    assert segment_count(store) <= 10  # log2(823) = 9.7


def test_mostly_deleted_rows_are_dropped_from_the_disk(store):
    store.add([f"id-{row}" for row in range(1000)], np.ones((1000, 2)))
    full = sum(file.stat().st_size for file in store.path.glob("seg-*"))
    store.delete([f"id-{row}" for row in range(900)])
    assert len(store) == 103
    store.close()
    assert sum(file.stat().st_size for file in store.path.glob("seg-*")) < full / 5


def test_compact_leaves_one_segment_and_only_live_rows(store):
    store.add([f"id-{row}" for row in range(100)], np.ones((100, 2)))
    store.add(["late"], [[9, 9]])
    store.delete(["b", "id-5"])
    ids, vectors = store.ids(), store.vectors(store.ids())
    store.compact()
    assert segment_count(store) == 1
    assert store.ids() == ids
    assert np.array_equal(store.vectors(ids), vectors)
    generation = store.generation
    store.compact()
    assert store.generation == generation  # nothing left to do
    store.close()
    assert len(list(store.path.glob("seg-*"))) == 2


def test_commit_replaces_everything_even_the_dimension(store):
    store.commit(["a", "z"], [[1, 2, 3], [4, 5, 6]], replace=True, meta={"embedder": "new"})
    assert (store.ids(), store.dim, store.meta) == (["a", "z"], 3, {"embedder": "new"})
    assert store.search([1, 0, 0], 5)[1] == [["z", "a"]]
    store.commit(replace=True)
    assert (len(store), store.dim) == (0, 3)


def test_an_id_both_deleted_and_added_is_there(store):
    assert store.commit(["a"], [[7, 7]], delete=["a", "b"]) == 2
    assert store.ids() == ["c", "a"]


def test_side_files_change_with_the_commit_that_names_them(store):
    first = store.new_file_name("bm25", ".npy")
    np.save(first, np.arange(3))
    store.commit(files={"bm25": first}, meta={"version": 1})
    store.add(["d"], [[1, 1]])  # keeps meta and files
    assert store.files == {"bm25": first}

    with VectorStore(store.path, mode="r") as reader:
        second = store.new_file_name("bm25", ".npy")
        np.save(second, np.arange(4))
        store.commit(files={"bm25": second}, meta={"version": 2})
        assert reader.meta == {"version": 1}
        assert reader.reload() and reader.files == {"bm25": second} and reader.meta == {"version": 2}
        assert not reader.reload()
    assert not first.exists()
    with pytest.raises(StoreError, match="not a file of this store"):
        store.commit(files={"bm25": store.path.parent / "elsewhere.npy"})
    store.commit(files={})
    assert not second.exists()


def test_side_files_that_no_commit_named_go_when_the_store_is_closed(store):
    side = store.new_file_name("bm25", ".npy")
    side.write_text("x")
    store.add(["d"], [[1, 1]])
    assert side.exists()  # it may still be named
    store.close()
    assert not side.exists()


def test_meta_is_a_copy(store):
    store.commit(meta={"list": [1]})
    store.meta["list"].append(2)
    assert store.meta == {"list": [1]}


def test_opening_for_writing_removes_what_a_crash_left_and_nothing_else(store):
    store.close()
    leftovers = ["seg-000099.f32", "seg-000099.jsonl", "file-00c0ffee-bm25.npy", "manifest.json.tmp"]
    strangers = ["notes.txt", "seg-old.f32", "file-list.txt"]
    for name in leftovers + strangers:
        (store.path / name).write_text("x")
    with VectorStore(store.path, mode="r"):
        assert (store.path / leftovers[0]).exists()  # a reader changes nothing
    with VectorStore(store.path) as again:
        assert len(again) == 3
    assert not any((store.path / name).exists() for name in leftovers)
    assert all((store.path / name).exists() for name in strangers)


def test_a_reader_keeps_its_state_while_the_writer_goes_on(store):
    with VectorStore(store.path, mode="r") as reader:
        store.commit(["n"], [[1, 1]], replace=True)
        store.compact()
        assert reader.ids() == ["a", "b", "c"]
        assert reader.search([1, 0], 1)[1] == [["c"]]
        assert reader.payloads(["a", "b", "c"]) == [{"n": 1}, None, {"文": "档"}]  # although the file is deleted
        reader.reload()
        assert reader.ids() == ["n"]


def test_threads_that_add_at_once_lose_nothing(store):
    def add(name: str) -> None:
        for number in range(20):
            store.add([f"{name}-{number}"], [[1, 1]])

    threads = [threading.Thread(target=add, args=(name,)) for name in "uvwx"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store) == 3 + 4 * 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["x"], [[1, 2, 3]]), r"shape \(rows, 2\), got \(1, 3\)"),
        ((["x"], [1, 2]), r"shape \(rows, 2\), got \(2,\)"),
        ((["x"], [["1", "2"]]), "must be numbers"),
        ((["x"], [[1j, 2]]), "must be numbers"),
        ((["x"], None), "1 ids came without vectors"),
        ((["x", "y"], [[1, 2]]), "2 ids, 1 vectors"),
        ((["x"], [[1, 2]], []), "1 ids, 1 vectors, 0 payloads"),
        (([], [[1, 2]]), "0 ids, 1 vectors"),
        ((["x"], [[1, np.nan]]), "vector 0 has the length nan"),
        ((["x", "y"], [[1, 2], [np.inf, 2]]), "vector 1 has the length inf"),
        ((["x"], [[1e300, 0]]), "vector 0 has the length inf"),
        ((["x"], [[2e18, 0]]), "at most 1e[+]18"),
        (("xy", [[1, 2], [1, 2]]), r"pass \['xy'\]"),
        (([7], [[1, 2]]), r"must be a string that is not empty \(got 7\)"),
        (([""], [[1, 2]]), "not empty"),
        ((["\ud800"], [[1, 2]]), r"'\\ud800' holds half of a surrogate pair"),
        ((["x"], [[1, 2]], ["text"]), r"payload of 'x' must be a dict or None \(got str\)"),
        ((["x"], [[1, 2]], [{"set": {1}}]), "payload of 'x' is not JSON"),
        ((["x"], [[1, 2]], [{"nan": float("nan")}]), "payload of 'x' is not JSON"),
    ],
)
def test_what_cannot_be_stored_is_refused_before_anything_is_written(store, arguments, message):
    before = sorted(os.listdir(store.path))
    with pytest.raises(StoreError, match=message):
        store.add(*arguments)
    assert sorted(os.listdir(store.path)) == before
    assert store.ids() == ["a", "b", "c"]


def test_other_refusals_name_the_next_step(store, tmp_path):
    for k in (0, -1):
        with pytest.raises(StoreError, match="k must be at least 1"):
            store.search([1, 0], k)
    with pytest.raises(StoreError, match=r"shape \(rows, 2\), got \(1, 3\)"):
        store.search([1, 0, 0], 1)
    with pytest.raises(StoreError, match="finite"):
        store.search([np.nan, 0], 1)
    with pytest.raises(StoreError, match="no id 'nobody'"):
        store.payload("nobody")
    with pytest.raises(StoreError, match=r"pass \['a'\]"):
        store.delete("a")
    with pytest.raises(StoreError, match="meta must be a JSON object"):
        store.commit(meta={"set": {1}})
    with pytest.raises(StoreError, match="meta must be a JSON object"):
        store.commit(meta=[1])
    with pytest.raises(StoreError, match="this process is writing"):
        VectorStore(store.path)
    with pytest.raises(StoreError, match="create it with VectorStore"):
        VectorStore(tmp_path / "none", mode="r")
    assert not (tmp_path / "none").exists()
    with pytest.raises(StoreError, match=r"needs the number of dimensions.*dim=None"):
        VectorStore(tmp_path / "none")
    with pytest.raises(StoreError, match="dim=0"):
        VectorStore(tmp_path / "none", 0)
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="is a file; a store needs a folder"):
        VectorStore(tmp_path / "file", 2)


def test_another_dimension_is_refused_with_both_numbers_and_the_lock_is_free_again(store):
    with pytest.raises(StoreError, match=r"vectors of 2 dimensions, you asked for 3; .*replace=True"):
        VectorStore(store.path, 3, mode="r")
    store.close()
    with pytest.raises(StoreError, match="you asked for 3"):
        VectorStore(store.path, 3)
    VectorStore(store.path, 2).close()


def test_closed_and_read_only_stores_say_so(store):
    with VectorStore(store.path, mode="r") as reader:
        for change in (lambda: reader.add(["x"], [[1, 1]]), lambda: reader.delete(["a"]), reader.compact):
            with pytest.raises(StoreError, match="opened read-only; open it with mode='w'"):
                change()
    store.close()
    store.close()
    with pytest.raises(StoreError, match="is closed; open it again"):
        store.search([1, 0], 1)
    with pytest.raises(StoreError, match="is closed; open it again"):
        store.add(["x"], [[1, 1]])


def test_half_a_surrogate_pair_in_a_payload_survives(store):
    store.add(["x"], [[1, 1]], [{"path": "caf\udce9.txt", "文": "档"}])  # a Latin-1 file name, as Python spells it
    assert store.payload("x") == {"path": "caf\udce9.txt", "文": "档"}


def test_a_rename_is_tried_again_while_windows_refuses_it(store, monkeypatch):
    refusals = iter([PermissionError, PermissionError])
    replace = os.replace

    def reluctant(source, target):
        for refusal in refusals:
            raise refusal
        replace(source, target)

    monkeypatch.setattr(durable.os, "replace", reluctant)
    with pytest.raises(PermissionError):
        durable._rename(store.path / "manifest.json", store.path / "manifest.json", patience=1)
    monkeypatch.setattr(durable, "ON_WINDOWS", True)
    durable._rename(store.path / "manifest.json", store.path / "manifest.json")


def test_limit_threads_reaches_numpys_blas():
    threadpoolctl = pytest.importorskip("threadpoolctl")

    def counts() -> set[int]:
        return {pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"}

    with limit_threads(2):
        if not counts():
            pytest.skip("this NumPy's BLAS (Accelerate?) has no thread setting")
        with limit_threads(1):
            assert counts() == {1}
        assert counts() == {2}
    with pytest.raises(ValueError, match="at least 1"):
        limit_threads(0)
