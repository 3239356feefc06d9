"""Searching a small index of prose, Chinese and records, in every mode."""

import json

import numpy as np
import pytest
from tiny_shared.testing.formats import bag_of_words

from tiny_rag.embedder import LSA, OpenAICompatible
from tiny_rag.index import IndexProblem, update
from tiny_rag.passages import Chunking
from tiny_rag.search import MODES, Searcher

FILES = {
    "dome.txt": "The observatory opens at night. Visitors see the dome turn.\n\nTickets are sold at the gate.",
    "bread.txt": "Bread needs flour and water. The baker kneads the dough before dawn.",
    "ship.txt": "The propeller drives the ship through water. A slipstream forms behind the propeller.",
    "wake.txt": "The slipstream of a ship is felt by the vessel behind it.",
    "台.txt": "天文台在山上，晚上开放。参观者可以用望远镜看木星。",
    "haus.txt": "Die Hunde sind nicht im Haus und der Garten ist offen für alle Besucher.",
}
RECORDS = [
    {"_id": "r1", "title": "Comets", "text": "A comet has a tail. " * 20, "kind": "sky"},
    {"_id": "r2", "title": "Moons", "text": "Jupiter has many moons.", "kind": "sky"},
    {"_id": "r3", "title": "Ovens", "text": "An oven bakes a comet shaped cake.", "kind": "kitchen"},
]
CHUNKING = Chunking(12, 0, record_tokens=30)


@pytest.fixture(scope="module")
def docs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("docs")
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, RECORDS)), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def searcher(docs, tmp_path_factory):
    store = tmp_path_factory.mktemp("index") / "store"
    update(store, [docs], LSA(8), CHUNKING)
    with Searcher(store) as searcher:
        yield searcher


def names(hits):
    return [hit.passage.source.rsplit("/", 1)[-1] for hit in hits]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "query, name",
    [
        ("When does the observatory open?", "dome.txt"),
        ("kneading dough", "bread.txt"),
        ("用望远镜可以看什么", "台.txt"),
        ("Hunde im Haus", "haus.txt"),
        ("Besucher", "haus.txt"),  # one word tells no language
    ],
)
def test_the_right_file_comes_first(searcher, mode, query, name):
    hits = searcher.search(query, mode=mode)
    assert names(hits)[0] == name
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_meaning_finds_what_has_no_word_in_common(searcher):
    keyword = names(searcher.search("propeller", 10, "bm25"))
    assert set(keyword) == {"ship.txt"}
    assert names(searcher.search("propeller", 10, "dense")).index("wake.txt") < 5
    assert "wake.txt" in names(searcher.search("propeller", 10, "hybrid"))


def test_the_mode_changes_the_scores(searcher):
    scores = {mode: searcher.search("comet ship", 3, mode)[0].score for mode in MODES}
    assert len(set(scores.values())) == 3
    assert scores["dense"] <= 1 + 1e-6


def test_dense_scores_are_the_inner_products(searcher):
    query = searcher.embedder.embed(["ship in the water"])[0]
    for hit in searcher.search("ship in the water", 4, "dense"):
        assert hit.score == pytest.approx(float(searcher.store.vectors([hit.passage.id])[0] @ query), abs=1e-6)


def test_hybrid_scores_are_those_of_fusing_all_texts(searcher):
    """Standardised over everything, by the plain definition."""
    query, weight = "ship in the water", searcher.evidence.dense_weight
    keyword = searcher.bm25.scores(query)
    dense = searcher.store.vectors(searcher.ids) @ searcher.embedder.embed([query])[0]
    fused = (1 - weight) * (keyword - keyword.mean()) / keyword.std() + weight * (dense - dense.mean()) / dense.std()
    hits = searcher.search(query, 4)
    assert [hit.score for hit in hits] == pytest.approx(np.sort(fused)[::-1][:4], abs=1e-4)
    assert [hit.passage.id for hit in hits] == [searcher.ids[row] for row in np.argsort(-fused)[:4]]


def test_k_limits_the_hits(searcher):
    assert [len(searcher.search("water ship comet", k)) for k in (1, 2, 3)] == [1, 2, 3]
    assert len(searcher.search("ship", 1000, "dense")) <= len(searcher.ids)


def test_a_record_is_found_once_by_its_best_passage(searcher):
    assert sum(passage_id.split(":")[-2] == "0" and "corpus" in passage_id for passage_id in searcher.ids) > 1
    for mode in MODES:
        found = [hit.passage.record for hit in searcher.search("comet tail", 10, mode) if hit.passage.record]
        assert found[0] == "r1" and len(found) == len(set(found))


def test_several_passages_of_one_file_may_be_found(searcher):
    assert names(searcher.search("observatory dome tickets gate visitors", 10, "bm25")).count("dome.txt") > 1


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("query", ["", "  ", "?!", "the of and", "zyxwv qqqq", "Стекло"])
def test_a_query_without_a_known_word_finds_nothing(searcher, mode, query):
    assert searcher.search(query, mode=mode) == []


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "where, expected",
    [
        ({"source": "*.jsonl"}, {"corpus.jsonl"}),
        ({"source": "*bread*"}, {"bread.txt"}),
        ({"kind": "kitchen"}, {"corpus.jsonl"}),
        ({"format": "txt", "source": "*/ship.txt"}, {"ship.txt"}),
        ({"title": "Moons"}, {"corpus.jsonl"}),
        ({"source": "*.pdf"}, set()),
    ],
)
def test_filters(searcher, mode, where, expected):
    hits = searcher.search("oven flour propeller moons comet", 20, mode, where)
    assert set(names(hits)) == expected
    if "kind" in where:
        assert {hit.passage.record for hit in hits} == {"r3"}


def test_a_field_that_no_passage_has_is_named(searcher):
    with pytest.raises(IndexProblem, match=r"no passage has a field 'nosuchfield'; there are .*source"):
        searcher.search("oven", where={"nosuchfield": "*"})


def test_a_filter_leaves_the_scores_as_they_were(searcher):
    everything = {hit.passage.id: hit.score for hit in searcher.search("ship water", 50)}
    for hit in searcher.search("ship water", 50, where={"source": "*ship*"}):
        assert hit.score == pytest.approx(everything[hit.passage.id], abs=1e-5)


def test_json_form(searcher):
    for hit in searcher.search("comet moons ship", 5):
        found = json.loads(json.dumps(hit.as_json(), allow_nan=False))
        assert list(found)[:7] == ["rank", "score", "id", "source", "start", "end", "text"]
        assert found["id"] == (hit.passage.record or hit.passage.id)
    (first,) = searcher.search("moons of Jupiter", 1)
    assert first.as_json()["id"] == "r2"


def test_offsets_point_into_the_file(searcher, docs):
    for hit in searcher.search("observatory tickets", 3, where={"source": "*.txt"}):
        text = (docs / hit.passage.source.rsplit("/", 1)[-1]).read_text(encoding="utf-8")
        assert text[hit.passage.start : hit.passage.end] == hit.passage.text


def test_diversity_brings_something_else(searcher):
    plain = searcher.search("propeller slipstream ship", 3, "dense")
    diverse = searcher.search("propeller slipstream ship", 3, "dense", diversity=0.9)
    assert plain[0] == diverse[0]

    def closeness(hits):
        rows = searcher.store.vectors([hit.passage.id for hit in hits])
        return (rows @ rows.T).sum()

    assert closeness(diverse) < closeness(plain)


@pytest.mark.parametrize(
    "arguments, named", [({"mode": "magic"}, "hybrid, dense, bm25 .*'magic'"), ({"k": 0}, "got 0")]
)
def test_bad_arguments_are_refused(searcher, arguments, named):
    with pytest.raises(IndexProblem, match=named):
        searcher.search("ship", **arguments)


@pytest.mark.parametrize("make", [lambda folder: None, lambda folder: folder.mkdir()])
def test_no_index_is_said_with_the_command_that_builds_one(tmp_path, make):
    make(tmp_path / "store")
    with pytest.raises(IndexProblem, match="no index yet.*index PATH"):
        Searcher(tmp_path / "store")
    assert not (tmp_path / "store" / "manifest.json").exists()


def test_an_index_of_a_server_needs_it_for_meaning_only(docs, tmp_path):
    def ask(texts):
        return [bag_of_words(text) for text in texts]

    update(tmp_path, [docs], OpenAICompatible(ask, "words"), CHUNKING)
    with Searcher(tmp_path) as alone:
        assert names(alone.search("propeller", 1, "bm25")) == ["ship.txt"]
        with pytest.raises(IndexProblem, match="api:words.*--mode bm25"):
            alone.search("propeller")
    asked = []

    def connect(name):
        asked.append(name)
        return OpenAICompatible(ask, "words")

    with Searcher(tmp_path, connect) as connected:
        assert names(connected.search("the propeller drives the ship", 1, "dense")) == ["ship.txt"]
        assert names(connected.search("the propeller drives the ship", 1)) == ["ship.txt"]
    assert asked == ["api:words"]


@pytest.mark.parametrize("mode", MODES)
def test_a_searcher_keeps_its_snapshot_while_the_index_is_refreshed(tmp_path, mode):
    docs, store = tmp_path / "docs", tmp_path / "store"
    docs.mkdir()
    for name, text in FILES.items():
        (docs / name).write_text(text, encoding="utf-8")
    update(store, [docs], LSA(64), CHUNKING)
    with Searcher(store) as expected:
        before = expected.search("kneading dough", 3, mode)
    with Searcher(store) as reader:
        (docs / "bread.txt").write_text("Dough is sold here.", encoding="utf-8")
        update(store, [docs], LSA(64), CHUNKING)
        assert reader.search("kneading dough", 3, mode) == before
    with Searcher(store) as fresh:
        assert fresh.search("kneading dough", 3, mode)[0].passage.text == "Dough is sold here."
