"""Embeddings from a real HTTP server on this machine: batches, cache, and going on after a failure."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_shared.chat import Chat, ChatError
from tiny_shared.testing import FakeServer

from tiny_rag import api_embedder
from tiny_rag.api_embedder import OpenAICompatible, batches

TEXTS = [f"text number {number}" for number in range(10)]


@pytest.fixture
def server():
    with FakeServer() as server:
        yield server


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(api_embedder, "BATCH_TEXTS", 4)


def embedder(server, cache=None, retries=0):
    return OpenAICompatible(
        Chat(server.settings, retries=retries, sleep=lambda seconds: None).embed, "tiny-embed", cache
    )


def asked(server):
    return [request.body["input"] for request in server.requests]


def test_rows_of_length_one_in_the_order_of_the_texts(server):
    rows = embedder(server).embed(TEXTS)
    assert rows.dtype == np.float32 and rows.shape == (10, 64)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    backwards = embedder(server).embed(TEXTS[::-1])
    np.testing.assert_array_equal(backwards[::-1], rows)
    assert asked(server)[:3] == [TEXTS[:4], TEXTS[4:8], TEXTS[8:]]


def test_each_text_is_asked_for_once(server, tmp_path):
    cache = tmp_path / "new folder" / "cache.jsonl"
    first = embedder(server, cache)
    rows = first.embed([*TEXTS, TEXTS[0]])
    np.testing.assert_array_equal(rows[0], rows[-1])
    first.embed(TEXTS[3:])
    again = embedder(server, cache).embed(TEXTS[::-1])  # another process, later
    np.testing.assert_array_equal(again[::-1], rows[:-1])
    assert sum(map(len, asked(server))) == 10


def test_another_model_has_vectors_of_its_own(server, tmp_path):
    embedder(server, tmp_path / "cache").embed(["star"])
    other = OpenAICompatible(lambda texts: [[0.0, 2.0] for _ in texts], "other", tmp_path / "cache")
    assert other.embed(["star"]).tolist() == [[0.0, 1.0]]
    assert other.name == "api:other" and other.fit(TEXTS) is other


def test_a_run_that_dies_of_429_goes_on_where_it_stopped(server, tmp_path):
    cache = tmp_path / "cache"
    server.faults = ["ok", "429"]
    with pytest.raises(ChatError):
        embedder(server, cache).embed(TEXTS)
    assert asked(server) == [TEXTS[:4], TEXTS[4:8]]
    server.requests.clear()
    rows = embedder(server, cache).embed(TEXTS)
    assert asked(server) == [TEXTS[4:8], TEXTS[8:]]
    np.testing.assert_array_equal(rows, embedder(server).embed(TEXTS))


def test_a_429_with_retries_left_is_asked_again(server, tmp_path):
    server.faults = ["ok", "429"]
    assert embedder(server, tmp_path / "cache", retries=2).embed(TEXTS).shape == (10, 64)
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    "tail", [b'{"key": "0123', b"\xff\xfe\x00", b"[]\n", b'{"key": "a"}\n', b'{"key": 1, "vector": "x"}\n']
)
def test_a_torn_line_costs_that_line_alone(server, tmp_path, tail):
    cache = tmp_path / "cache"
    embedder(server, cache).embed(TEXTS[:4])
    with open(cache, "ab") as file:
        file.write(tail)
    again = embedder(server, cache)
    again.embed(TEXTS)
    assert sum(map(len, asked(server))) == 10
    embedder(server, cache).embed(TEXTS)  # what was written behind the torn line is whole
    assert sum(map(len, asked(server))) == 10


def test_cut_at_any_byte_the_cache_gives_right_vectors_or_none(tmp_path):
    cache = tmp_path / "cache"

    def fresh() -> OpenAICompatible:
        return OpenAICompatible(lambda texts: [[float(len(text)), 1.0] for text in texts], "m", cache)

    rows = fresh().embed(["a", "bb"])
    data = cache.read_bytes()
    assert [set(json.loads(line)) for line in data.splitlines()] == [{"key", "vector"}] * 2
    for length in range(len(data)):
        cache.write_bytes(data[:length])
        np.testing.assert_array_equal(fresh().embed(["a", "bb"]), rows)


def test_without_texts_nothing_is_asked(server):
    assert len(embedder(server).embed([])) == 0
    assert not server.requests


def test_a_vector_of_zeros_stays_zero():
    assert OpenAICompatible(lambda texts: [[0.0, 0.0] for _ in texts], "m").embed(["a"]).tolist() == [[0, 0]]


def test_too_few_vectors_are_refused():
    with pytest.raises(ValueError):
        OpenAICompatible(lambda texts: [[1.0, 0.0]], "m").embed(["a", "b"])


def test_half_characters_are_no_reason_to_fail():
    assert OpenAICompatible(lambda texts: [[1.0, 0.0] for _ in texts], "m").embed(["\ud83d"]).shape == (1, 2)


@given(st.lists(st.integers(0, 60_000), max_size=30))
def test_batches_keep_order_and_both_limits(sizes):
    items = [(str(number), "x" * size) for number, size in enumerate(sizes)]
    made = list(batches(items))
    assert [item for batch in made for item in batch] == items
    for batch in made:
        assert 1 <= len(batch) <= api_embedder.BATCH_TEXTS
        assert len(batch) == 1 or sum(len(text) for _, text in batch) <= api_embedder.BATCH_CHARACTERS


def test_a_server_that_takes_ten_texts_at_once_is_asked_in_tens(monkeypatch):
    monkeypatch.setattr(api_embedder, "BATCH_TEXTS", 64)

    class BadRequest(Exception):
        status = 400

    sizes = []

    def ask(texts):
        sizes.append(len(texts))
        if len(texts) > 10:
            raise BadRequest("batch size is invalid, it should not be larger than 10")
        return [[float(text), 1.0] for text in texts]

    rows = OpenAICompatible(ask, "small").embed([str(number) for number in range(25)])
    assert sizes == [25, 10, 10, 5]
    np.testing.assert_allclose(rows[:, 0] / rows[:, 1], np.arange(25), rtol=1e-5)
    with pytest.raises(BadRequest):
        OpenAICompatible(lambda texts: (_ for _ in ()).throw(BadRequest()), "small").embed(["1"])
