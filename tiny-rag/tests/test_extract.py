"""Quotes are verbatim, from the best passages, and there are none where the passages don't hold the question."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiny_rag.answer import answer
from tiny_rag.embedder import LSA
from tiny_rag.extract import ANOTHER_QUOTE, QUOTES, REFUSE_BELOW, extract, held
from tiny_rag.index import update
from tiny_rag.passages import Chunking, Passage
from tiny_rag.readers import Span, read
from tiny_rag.search import Searcher

SAMPLE = Path(__file__).parent.parent / "sample"
QUESTIONS = [json.loads(line) for line in (SAMPLE / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
LEAST_RIGHT, LEAST_REFUSED = 27, 2  # 28 of 34 and 3 of 6 when this was written


def passage(text, heading=(), start=0, title=""):
    span = Span(start, start + len(text), None, tuple(heading))
    return Passage(f"p{start}", "notes.txt", text, start, start + len(text), None, title, (span,))


def quotes(question, *passages, weight_of=lambda term: 1.0):
    return extract(question, list(passages), weight_of)


STAIR = passage(
    "The gate opens at six in the evening and closes at midnight in winter as well as in summer. "
    "Walkers may climb the Lantern Stair, which has 312 steps and a lantern on every twelfth step, 26 in all. "
    "The porter keeps the key to the library and lends out walking sticks with iron tips when there is ice."
)
MIRROR = passage(
    "The mirror of the Wren weighs 31 kilograms. It was cast in Port Sorrel and polished for three years by hand."
)


def test_the_sentence_that_answers_is_quoted():
    (found,) = quotes("How many steps does the Lantern Stair have?", MIRROR, STAIR)
    assert found.number == 2
    assert found.text == (
        "Walkers may climb the Lantern Stair, which has 312 steps and a lantern on every twelfth step, 26 in all."
    )
    assert STAIR.text[found.start : found.end] == found.text


def test_a_short_sentence_is_quoted_with_the_next():
    (found,) = quotes("How heavy is the mirror of the Wren?", MIRROR)
    assert found.text == MIRROR.text


def test_chinese():
    text = "停电后蓄电池可支撑二十二分钟，只供圆顶电机和应急灯。柴油发电机应在三分钟内自行启动。"
    (found,) = quotes("停电以后，蓄电池能撑多久？", passage("早班从九点开始。"), passage(text))
    assert found.number == 2 and "二十二分钟" in found.text


@pytest.mark.parametrize(
    "question",
    ["What is the Wi-Fi password?", "Who won the football world cup?", "停车场每小时收多少钱？", "the of and", "???"],
)
def test_a_question_that_the_passages_do_not_hold_is_refused(question):
    assert quotes(question, STAIR, MIRROR) == []


def test_nothing_to_quote_from():
    assert quotes("How many steps?") == []
    assert quotes("How many steps?", passage("")) == []
    assert quotes("How many steps?", STAIR, weight_of=lambda term: 0.0) == []


def test_a_rare_word_decides():
    common, rare = (
        passage("This error appears when the error lamp burns."),
        passage("E23 means that the dome is stuck."),
    )
    weight = {"e23": 5.0}
    found = quotes("What does error E23 mean?", common, rare, weight_of=lambda term: weight.get(term, 0.5))
    assert [quote.number for quote in found] == [2]


def test_a_number_is_preferred_where_one_is_asked_for():
    text = (
        "The Lantern Stair is famous for the number of its steps and is climbed by walkers from everywhere. "
        "Whoever counts them finds that the Lantern Stair consists of 312 steps, lamps and landings left aside."
    )
    assert "312" in quotes("How many steps does the Lantern Stair have?", passage(text))[0].text
    assert "312" not in quotes("Why are the steps of the Lantern Stair famous?", passage(text))[0].text


def test_a_heading_is_context_but_no_answer():
    text = "Opening hours of the library\nFrom nine to five, and on the first Monday of a month until late at night."
    found = quotes("What are the opening hours of the library?", passage(text, ["Opening hours of the library"]))
    assert [quote.text.split()[0] for quote in found] == ["From"], "or a page under a good heading answers nothing"


def test_a_heading_is_not_quoted_although_it_holds_more_of_the_question():
    heading = "Opening hours of the library"
    text = (
        f"{heading}\n\nThe library admits readers from nine to five, and on the first Monday of a month until midnight."
    )
    (found,) = quotes("What are the opening hours of the library?", passage(text, [heading]))
    assert found.text == text.partition("\n\n")[2]


def test_at_most_three_quotes_and_none_that_holds_much_less():
    many = [passage(f"The Lantern Stair has 312 steps, says the letter number {n}.") for n in range(6)]
    found = quotes("How many steps has the Lantern Stair?", *many, passage("A stair."))
    assert len(found) == QUOTES
    assert all(quote.held >= ANOTHER_QUOTE * found[0].held for quote in found)
    assert [quote.number for quote in found] == [1, 2, 3], "among equals the better passage comes first"
    assert len(quotes("How many steps has the Lantern Stair?", many[0], passage("A stair is here."))) == 1


def test_held_is_a_share_of_the_weight():
    weights = {"stair": 3.0, "step": 1.0}
    assert held(weights, "Stairs and steps") == 1.0
    assert held(weights, "the stair") == 0.75
    assert held(weights, "a gate") == 0.0
    assert held({"打雷": 1.0, "观测": 1.0}, "雷声停了") == 0.125, "half of a word counts half of a half"


TEXTS = st.lists(
    st.sampled_from(["The stair ", "has 312 steps", ". ", "石阶", "三百级", "。", "\n", "- ", "  ", "😀", "x"]),
    max_size=25,
)


@settings(deadline=None)
@given(
    st.lists(TEXTS.map("".join), max_size=5), st.sampled_from(["How many steps has the stair?", "石阶有几级？", "x 😀"])
)
def test_every_quote_is_verbatim(texts, question):
    passages = [passage(text) for text in texts]
    found = quotes(question, *passages)
    assert len({quote.number for quote in found}) == len(found) <= QUOTES
    for quote in found:
        assert passages[quote.number - 1].text[quote.start : quote.end] == quote.text != ""
        assert quote.held > 0
    if found:
        best = max(sum(word in text for word in ("step", "stair", "石", "级", "x")) for text in texts)
        assert best, f"quoted although no passage has a word of the question (limits: {REFUSE_BELOW})"


# ---- on the sample documents ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def searcher(tmp_path_factory):
    store = tmp_path_factory.mktemp("extract") / "store"
    update(store, [SAMPLE / "docs"], LSA(), Chunking())
    with Searcher(store) as searcher:
        yield searcher


@pytest.fixture(scope="module")
def answers(searcher):
    return {question["id"]: answer(searcher, question["question"]) for question in QUESTIONS}


def unspaced(text):
    return re.sub(r"\s+", "", text)


def test_most_sample_questions_are_answered_by_the_first_quote(answers):
    def right(question):
        citations = answers[question["id"]].citations
        first, gold = unspaced(citations[0]["quote"]) if citations else "", unspaced(question["relevant"][0]["quote"])
        return bool(first) and (gold in first or first in gold)

    wrong = [question["id"] for question in QUESTIONS if question["answerable"] and not right(question)]
    assert len(wrong) <= 34 - LEAST_RIGHT, wrong


def test_some_unanswerable_sample_questions_are_refused(answers):
    refused = [q["id"] for q in QUESTIONS if not q["answerable"] and not answers[q["id"]].found]
    assert len(refused) >= LEAST_REFUSED
    for id in refused:
        assert answers[id].citations == []
        assert answers[id].text == ("Not in the documents." if id.startswith("en") else "文档中没有。")


def test_off_topic_questions_are_refused(searcher):
    for question in (
        "Who was the first emperor of Rome?",
        "How do I bake sourdough bread?",
        "量子计算机的价格是多少？",
    ):
        assert not answer(searcher, question).found, question


def test_every_sample_quote_is_verbatim_in_the_document_and_in_its_passage(answers):
    texts = {str(path): read(path) for path in sorted((SAMPLE / "docs").iterdir())}
    checked = 0
    for found in answers.values():
        for citation in found.citations:
            (document,) = texts[str(Path(citation["source"]))]
            assert document.text[citation["start"] : citation["end"]] == citation["quote"]
            passage = found.hits[citation["number"] - 1].passage
            assert passage.start <= citation["start"] < citation["end"] <= passage.end
            assert f"“{' '.join(citation['quote'].split())}” [{citation['number']}]" in found.text
            checked += 1
    assert checked >= LEAST_RIGHT
