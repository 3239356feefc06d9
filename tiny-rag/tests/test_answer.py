"""Answers with a model, over a real HTTP stream, and without: citations exist, and a refusal is honest."""

from pathlib import Path

import pytest
from tiny_shared.chat import Chat, ChatError
from tiny_shared.testing import FakeServer

from tiny_rag.answer import answer, term_weights
from tiny_rag.embedder import LSA
from tiny_rag.index import update
from tiny_rag.passages import Chunking
from tiny_rag.prompt import build
from tiny_rag.search import Searcher

ENGLISH, CHINESE = "How many steps does the Lantern Stair have?", "停电以后，蓄电池能撑多久？"
TEXTS = {
    "stair.txt": "Walkers may climb the Lantern Stair, which has 312 steps and a lantern on every twelfth step.",
    "mirror.txt": "The mirror of the Wren weighs 31 kilograms. It was cast in Port Sorrel and polished by hand.",
    "值班.txt": "停电后蓄电池可支撑二十二分钟，只供圆顶电机和应急灯。柴油发电机应在三分钟内自行启动。",
    "steps.txt": "The steps of the library are made of slate. The stair behind the kitchen has no lantern.",
}


@pytest.fixture(scope="module")
def searcher(tmp_path_factory):
    folder = tmp_path_factory.mktemp("answer")
    for name, text in TEXTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    update(folder / "store", [folder], LSA(), Chunking())
    with Searcher(folder / "store") as searcher:
        yield searcher


@pytest.fixture
def server():
    with FakeServer() as server:
        yield server


class Asker:
    """Asks the model on `server`, which says `reply`; `pieces` is what was shown of the last answer."""

    def __init__(self, searcher, server):
        self.searcher, self.server = searcher, server
        self.pieces: list[str] = []

    def __call__(self, question, reply, **options):
        self.server.replies, self.pieces = [reply], []
        stream = Chat(self.server.settings, retries=0).stream
        return answer(self.searcher, question, stream, self.pieces.append, **options)


@pytest.fixture
def ask(searcher, server):
    return Asker(searcher, server)


# ---- with a model --------------------------------------------------------------------------------------------------


def test_the_answer_is_streamed_and_cited(ask, server):
    reply = "The Lantern Stair has 312 steps [1]."
    found = ask(ENGLISH, reply)
    assert "".join(ask.pieces) == found.text == reply
    assert len(ask.pieces) > 5, "shown as it came"
    assert (found.found, found.method, found.removed_citations) == (True, "model", ())
    (citation,) = found.citations
    hit = found.hits[0].passage
    assert Path(citation.pop("source")).name == "stair.txt"
    assert citation == {
        "number": 1,
        "id": hit.id,
        "page": None,
        "heading": [],
        "start": 0,
        "end": len(TEXTS["stair.txt"]),
    }
    (request,) = server.requests
    assert request.body["stream"] is True
    passages = [{"text": hit.passage.text, "source": hit.passage.source} for hit in found.hits]
    assert request.body["messages"] == found.messages == build(ENGLISH, passages)


def test_invented_citations_are_removed(ask):
    found = ask(ENGLISH, "It has 312 steps [1][9], says the porter [0, 77].")
    assert found.text == "It has 312 steps [1], says the porter."
    assert found.removed_citations == (9, 0, 77)
    assert [citation["number"] for citation in found.citations] == [1]
    assert found.as_json()["removed_citations"] == [9, 0, 77]


def test_a_passage_that_was_not_in_the_prompt_cannot_be_cited(ask):
    """Four passages were found but the token limit let fewer in; the model has never seen the last one."""
    limit = 160
    found = ask(ENGLISH, "Everybody knows that [4].", k=4, max_tokens=limit)
    assert len(found.hits) == 4
    assert "number=4" not in found.messages[1]["content"]
    assert found.removed_citations == (4,)
    assert found.citations == []


@pytest.mark.parametrize(
    "reply", ["NOT IN THE DOCUMENTS", "Not in the documents.", " NOT IN THE DOCUMENTS \n", "NOT IN THE DOCUMENTS [1]."]
)
def test_the_model_says_that_it_is_not_there(ask, reply):
    found = ask(ENGLISH, reply)
    assert (found.text, found.found, found.citations) == ("Not in the documents.", False, [])


def test_chinese(ask):
    found = ask(CHINESE, "二十二分钟【1】。")
    assert (found.text, found.found) == ("二十二分钟[1]。", True)
    assert Path(found.citations[0]["source"]).name == "值班.txt"
    absent = ask("停车场每小时收多少钱？", "文档中没有。")
    assert (absent.text, absent.found, absent.citations) == ("文档中没有。", False, [])


@pytest.mark.parametrize(
    ("question", "reply"),
    [
        (CHINESE, "文档中没有提到空调，但蓄电池可以撑二十二分钟 [1]。"),
        (ENGLISH, "312 steps [1]. Who built it is not in the documents."),
    ],
)
def test_a_cited_answer_that_also_names_a_gap_is_an_answer(ask, question, reply):
    found = ask(question, reply)
    assert found.text == reply
    assert found.found and [citation["number"] for citation in found.citations] == [1]


@pytest.mark.parametrize("reply", ["", "  \n", "[9]"])
def test_an_empty_answer_is_no_answer(ask, reply):
    found = ask(ENGLISH, reply)
    assert (found.found, found.citations, found.text) == (False, [], "Not in the documents.")


@pytest.mark.parametrize(
    ("fault", "message"),
    [("401", "OPENAI_API_KEY"), ("500", "refused with 500"), ("refuse", "does not answer"), ("html", "web page")],
)
def test_a_server_that_fails_shows_nothing(ask, server, fault, message):
    server.faults = [fault]
    with pytest.raises(ChatError, match=message):
        ask(ENGLISH, "312 steps [1].")
    assert ask.pieces == []


def test_an_answer_that_breaks_off_is_an_error_not_an_answer(ask, server):
    server.faults = ["cut"]
    reply = "The Lantern Stair has 312 steps [1]. " * 20
    with pytest.raises(ChatError) as caught:
        ask(ENGLISH, reply)
    assert caught.value.partial == "".join(ask.pieces)
    assert reply.startswith(caught.value.partial) and caught.value.partial != reply


def test_options_reach_search_and_prompt(ask, server):
    found = ask(CHINESE, "x", k=1, mode="bm25")
    assert [Path(hit.passage.source).name for hit in found.hits] == ["值班.txt"]
    assert found.hits[0].score == pytest.approx(ask.searcher.search(CHINESE, 1, "bm25")[0].score)
    with pytest.raises(ValueError, match="the limit is 20"):
        ask(ENGLISH, "x", max_tokens=20)
    assert len(server.requests) == 1, "a prompt that can't be built is not sent"


# ---- without a model -----------------------------------------------------------------------------------------------


def test_quotations_are_verbatim_and_cited(searcher):
    found = answer(searcher, ENGLISH)
    assert (found.found, found.method, found.messages) == (True, "extractive", [])
    first = found.citations[0]
    assert found.text.split("\n")[0] == f"“{TEXTS['stair.txt']}” [{first['number']}]"
    assert TEXTS["stair.txt"][first["start"] : first["end"]] == first["quote"]
    assert found.hits[first["number"] - 1].passage.id == first["id"]


def test_a_question_that_the_documents_do_not_answer(searcher):
    for question, text in [("What is the Wi-Fi password?", "Not in the documents."), ("门票多少钱？", "文档中没有。")]:
        found = answer(searcher, question)
        assert (found.text, found.found, found.citations) == (text, False, [])


def test_json_form(searcher):
    found = answer(searcher, ENGLISH, k=2)
    assert found.as_json() == {
        "question": ENGLISH,
        "answer": found.text,
        "found": True,
        "citations": found.citations,
        "method": "extractive",
        "removed_citations": [],
    }
    traced = found.as_json(trace=True)
    assert traced["passages"] == [hit.as_json() for hit in found.hits] and len(found.hits) == 2
    assert traced["messages"] == []


def test_rare_terms_weigh_more(searcher):
    weight = term_weights(searcher)
    assert weight("stair") < weight("wren") <= weight("a-term-that-no-passage-has")
