"""An index is refreshed as it was built, repaired by --rebuild, and searched without being written to."""

import json
import os
import sys

import pytest
from tiny_shared import cli

import main
from tiny_rag.answer import answer, extractive
from tiny_rag.index import IndexProblem, built_with, update
from tiny_rag.lsa import LSA
from tiny_rag.passages import Chunking
from tiny_rag.prompt import PromptProblem, build
from tiny_rag.search import Searcher
from tiny_rag.vector_store import StoreError, VectorStore

TEXT = "The dome opens at dusk. The mirror is washed every spring. Soup is served until midnight.\n"


def run(capsys, *arguments):
    code = cli.run(main.parser(), [str(argument) for argument in arguments], main.user_errors())
    printed = capsys.readouterr()
    return code, printed.out, printed.err


@pytest.fixture
def docs(tmp_path, monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL", "OPENAI_EMBEDDING_MODEL"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.txt").write_text(TEXT, encoding="utf-8")
    return folder


def test_options_that_are_not_said_stay_as_the_index_was_built(docs, tmp_path, capsys, monkeypatch):
    store = tmp_path / "store"
    options = ["--embedder", "lsa-7", "--max-tokens", 50, "--overlap-tokens", 5]
    assert run(capsys, "index", docs, "--store", store, *options)[0] == 0
    (docs / "b.txt").write_text("The comet was seen in March.\n", encoding="utf-8")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_EMBEDDING_MODEL", "some-model")  # configured later: it must not change the index
    code, out, _ = run(capsys, "index", docs, "--store", store)
    assert code == 0 and "1 files indexed, 1 unchanged" in out
    built = built_with(store) or {}
    assert built["passport"]["embedder"] == "lsa-7" and built["chunking"]["max_tokens"] == 50
    code, _, err = run(capsys, "index", docs, "--store", store, "--max-tokens", 60)
    assert code == 2 and "--rebuild" in err


@pytest.mark.parametrize("damaged", ["file-*-terms.npz", "manifest.json"])
def test_rebuild_repairs_a_damaged_store(docs, tmp_path, capsys, damaged):
    store = tmp_path / "store"
    run(capsys, "index", docs, "--store", store)
    (path,) = store.glob(damaged)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))
    code, out, _ = run(capsys, "doctor", "--store", store, "--json")
    assert code == 2 and json.loads(out)["problems"]
    assert run(capsys, "index", docs, "--store", store, "--rebuild")[0] == 0
    assert "dusk" in run(capsys, "search", "dome dusk", "--store", store)[1]
    assert run(capsys, "doctor", "--store", store)[0] == 0


def test_reset_does_not_take_a_store_from_its_writer(tmp_path):
    with VectorStore(tmp_path, 2) as store:
        store.add(["a"], [[1.0, 0.0]], [None])
        with pytest.raises(StoreError, match="writing|writes|lock"):
            VectorStore(tmp_path, 2, reset=True)
        assert store.ids() == ["a"]


def test_an_interrupted_first_index_is_no_index(tmp_path):
    VectorStore(tmp_path / "store", 3).close()
    assert built_with(tmp_path / "store") is None
    assert built_with(tmp_path / "nowhere") is None


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_not_utf8_is_indexed(docs, tmp_path):
    with open(os.fsencode(docs) + b"/caf\xe9.txt", "w", encoding="utf-8") as file:
        file.write("Coffee is served in the library.\n")
    update(tmp_path / "store", [docs], LSA(5), Chunking())
    assert update(tmp_path / "store", [docs], LSA(5), Chunking()).unchanged == 2
    with Searcher(tmp_path / "store") as searcher:
        assert "Coffee" in searcher.search("coffee library", 1)[0].passage.text


def test_records_of_two_files_may_have_the_same_id(tmp_path):
    for name, what in (("a", "pie"), ("b", "tart")):
        rows = [{"id": 1, "text": f"apple {what} recipe"}, {"id": 2, "text": "a boat"}]
        (tmp_path / f"{name}.json").write_text(json.dumps(rows), encoding="utf-8")
    update(tmp_path / "store", [tmp_path / "a.json", tmp_path / "b.json"], LSA(5), Chunking())
    with Searcher(tmp_path / "store") as searcher:
        found = {hit.passage.source.rsplit("/", 1)[-1] for hit in searcher.search("apple recipe", 2)}
    assert found == {"a.json", "b.json"}


def test_questions_in_german_are_answered_from_german_texts(tmp_path):
    text = "Das Tierheim liegt am Fluss und ist nicht weit. Es hat Platz für sechzig Hunde und vierzig Katzen."
    (tmp_path / "heim.txt").write_text(text, encoding="utf-8")
    update(tmp_path / "store", [tmp_path / "heim.txt"], LSA(5), Chunking())
    with Searcher(tmp_path / "store") as searcher:
        assert "vierzig Katzen" in answer(searcher, "Wie viele Katzen haben Platz?").text
        assert not extractive(searcher, "Wer malt die Schiffe?", searcher.search("Wer malt die Schiffe?")).found


def test_a_searcher_never_writes(docs, tmp_path, capsys):
    store = tmp_path / "store"
    run(capsys, "index", docs, "--store", store)
    before = {path: path.stat().st_mtime_ns for path in store.iterdir()}
    run(capsys, "search", "dome", "--store", store)
    run(capsys, "ask", "When does the dome open?", "--store", store)
    assert {path: path.stat().st_mtime_ns for path in store.iterdir()} == before


def test_escape_sequences_of_a_document_do_not_reach_the_terminal(docs, tmp_path, capsys):
    (docs / "evil.txt").write_text("The zebra \x9b2J\x85 sleeps here, on straw.", encoding="utf-8")
    store = tmp_path / "store"
    run(capsys, "index", docs, "--store", store)
    for command in ("search", "ask"):
        out = run(capsys, command, "where does the zebra sleep", "--store", store)[1]
        assert "zebra" in out and "\x9b" not in out and "\x85" not in out


def test_a_prompt_takes_search_hits_and_refuses_what_has_no_text(docs, tmp_path):
    update(tmp_path / "store", [docs], LSA(5), Chunking())
    with Searcher(tmp_path / "store") as searcher:
        hits = searcher.search("dome")
    assert "| The dome opens at dusk." in build("When?", hits)[1]["content"]
    with pytest.raises(PromptProblem, match="tuple"):
        build("When?", [("a", "b")])
    with pytest.raises(PromptProblem, match="dict"):
        build("When?", [{"page_content": "x"}])


def test_an_empty_index_folder_is_named(tmp_path):
    with pytest.raises(IndexProblem, match="holds no index yet"):
        Searcher(tmp_path)
