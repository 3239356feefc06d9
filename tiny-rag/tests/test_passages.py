"""From documents to passages and back from their payload."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tiny_rag.passages import Chunking, Passage, passages_of
from tiny_rag.readers import Document, Span

TEXT = "Dome\n\nThe dome opens at night. It turns.\n\nLens\n\nThe lens is clean. It is old."
LENS = TEXT.index("Lens")
MANUAL = Document(
    "docs/manual.md",
    TEXT,
    None,
    "Manual",
    {"format": "md"},
    (Span(0, LENS, None, ("Manual", "Dome")), Span(LENS, len(TEXT), None, ("Manual", "Lens"))),
)


def test_each_passage_is_a_slice_of_its_document():
    passages = passages_of(MANUAL, "docs/manual.md:0", Chunking(8, 2))
    assert len(passages) > 3
    assert all(TEXT[passage.start : passage.end] == passage.text for passage in passages)
    assert [passage.id for passage in passages] == [f"docs/manual.md:0:{number}" for number in range(len(passages))]
    assert {(passage.source, passage.title, passage.record) for passage in passages} == {
        ("docs/manual.md", "Manual", None)
    }


def test_a_change_of_heading_starts_a_passage():
    first, second = passages_of(MANUAL, "m", Chunking(30, 8))
    assert (first.heading, second.heading) == (("Manual", "Dome"), ("Manual", "Lens"))
    assert second.text.startswith("Lens") and "Lens" not in first.text


def test_a_new_page_starts_none_but_is_known():
    document = replace(MANUAL, spans=(Span(0, LENS, 1), Span(LENS, len(TEXT), 2)))
    (only,) = passages_of(document, "m", Chunking(30, 0))
    assert only.page == 1 and only.span_at(LENS).page == 2
    assert [passage.page for passage in passages_of(document, "m", Chunking(8, 0))][-1] == 2


def test_a_record_is_cut_only_if_it_is_very_long():
    record = Document("corpus.jsonl", "word. " * 50, "d7")
    chunking = Chunking(20, 5, record_tokens=100)
    assert [passage.record for passage in passages_of(record, "c:0", chunking)] == ["d7"]
    assert len(passages_of(replace(record, id=None), "c:0", chunking)) > 4
    assert len(passages_of(replace(record, text="word. " * 80), "c:0", chunking)) == 2
    assert len(passages_of(record, "c:0", Chunking(120, 5, record_tokens=10))) == 1  # never smaller than others


def test_search_text_adds_only_what_the_passage_does_not_say():
    passage = Passage(
        "p", "s", "The lens is clean.", 0, 18, title="Manual", spans=(Span(0, 18, None, ("Manual", "Lens")),)
    )
    assert passage.search_text == "Manual\nLens\nThe lens is clean."
    assert replace(passage, text="Lens: see the Manual").search_text == "Lens: see the Manual"
    assert replace(passage, title="", spans=()).search_text == "The lens is clean."


def test_payload_round_trip_through_json():
    for passage in passages_of(MANUAL, "m", Chunking(8, 2)):
        values = json.loads(json.dumps(passage.payload(), allow_nan=False))
        assert Passage.from_payload(passage.id, values) == passage


def test_a_tokenizer_of_ones_own_is_used():
    """One that counts every character, so that passages are shorter."""
    passages = passages_of(MANUAL, "m", Chunking(8, 0), lambda text: np.arange(len(text)))
    assert len(passages) > 6 and all(len(passage.text) <= 8 for passage in passages)


def test_blank_documents_give_no_passage():
    assert passages_of(Document("a.txt", " \n"), "a", Chunking()) == []


@pytest.mark.parametrize(
    "changed", [Chunking(401), Chunking(400, 41), Chunking(record_tokens=999), Chunking(tokenizer="t 12ab")]
)
def test_every_setting_shows_in_the_passport(changed):
    assert str(changed) != str(Chunking())
