"""Encodings, plain text, JSON, JSON Lines and CSV."""

import json
import random
import tracemalloc
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiny_rag.readers import Document, Quarantined, ReadError, Span, read, read_all
from tiny_rag.readers.encoding import decode, detect

SIMPLIFIED = "灯塔的看守人每天早饭前数一遍船。昨天数到十四条，今天雾大，只听见汽笛声，他在本子上记下：听见三条。"
TRADITIONAL = "燈塔的看守人每天早飯前數一遍船。昨天數到十四條，今天霧大，只聽見汽笛聲，他在本子上記下：聽見三條。"
ENGLISH = "The keeper counts the ships; today, in the fog, he heard three."


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (SIMPLIFIED, "utf-8"),
        (SIMPLIFIED, "utf-8-sig"),
        (SIMPLIFIED, "gb18030"),
        (SIMPLIFIED[:16], "gb18030"),
        ("A组B组C组", "gb18030"),
        (SIMPLIFIED + "\n", "utf-16"),
        (SIMPLIFIED, "utf-16-le"),
        (SIMPLIFIED, "utf-16-be"),
        ("一二三\n" * 3, "utf-16-le"),  # 一 is U+4E00: its zero lies on the other side than the newline's
        ("一二三\n" * 3, "utf-16-be"),
        (TRADITIONAL, "big5"),
        (TRADITIONAL[:16], "big5"),
        (TRADITIONAL, "gb18030"),
        (ENGLISH, "utf-16-le"),
        (ENGLISH, "utf-16-be"),
        (ENGLISH, "utf-32"),
        ("Le café était fermé à Besançon.", "cp1252"),
    ],
)
def test_text_comes_back_from_its_encoding(text, encoding, tmp_path):
    (tmp_path / "note.txt").write_bytes(text.encode(encoding))
    (document,) = read(tmp_path / "note.txt")
    assert document.text == text
    assert document.spans == (Span(0, len(text)),)


def test_gb18030_and_big5_are_told_apart_by_every_sentence():
    """Windows of twelve characters, anywhere in either text, two hundred of each."""
    chance = random.Random(0)
    for text, encoding in ((SIMPLIFIED, "gb18030"), (TRADITIONAL, "big5")):
        for _ in range(200):
            start = chance.randrange(len(text) - 12)
            data = text[start : start + 12].encode(encoding)
            assert decode(data).text == text[start : start + 12]


@pytest.mark.parametrize("text", ["Müller und Söhne", "Grüße aus Köln", "Ångström"])
def test_western_letters_are_not_taken_for_rare_chinese_ones(text):
    """Each umlaut and the letter after it are also a character of GB18030, but none that anybody writes."""
    text.encode("cp1252").decode("gb18030")
    assert decode(text.encode("cp1252")).text == text


@pytest.mark.parametrize(
    "text",
    [
        "Die Straße führt über die Brücke nach Köln.",
        "Für Rückfragen stehen wir gerne zur Verfügung.",
        "Informações e opções de navegação",
    ],
)
def test_chinese_characters_alone_among_latin_letters_are_umlauts(text):
    assert decode(text.encode("latin-1")).text == text


def test_a_guess_from_little_is_noted_and_a_page_s_own_claim_is_none():
    note = "encoding guessed from only 8 characters, read as gb18030"
    data = "灯塔的看守人数船".encode("gb18030")
    assert decode(data).notes == (note,)
    assert decode(data, "gbk").notes == ()
    assert decode(SIMPLIFIED.encode("gb18030")).notes == ()
    assert decode("用 Python 3 写的，A 组和 B 组都用".encode("gb18030")).text == "用 Python 3 写的，A 组和 B 组都用"


def test_a_long_beginning_in_ascii_hides_no_encoding(tmp_path):
    assert decode(b"x\n" * 50_000 + SIMPLIFIED.encode("gb18030")).text.endswith(SIMPLIFIED)
    ascii_lines = b'{"text": "fog"}\n' * 150_000  # 2.4 MB, more than the head of a streamed file
    (tmp_path / "a.jsonl").write_bytes(ascii_lines + f'{{"text": "{SIMPLIFIED}"}}\n'.encode("gb18030"))
    tracemalloc.start()
    try:
        (last,) = deque(read_all(tmp_path / "a.jsonl"), maxlen=1)
        assert tracemalloc.get_traced_memory()[1] < 5e6
    finally:
        tracemalloc.stop()
    assert isinstance(last, Document) and last.text == SIMPLIFIED


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_utf8_is_never_taken_for_anything_else(text):
    assert decode(text.encode()).text == text.removeprefix("\ufeff")


def test_a_sample_may_end_inside_a_character():
    assert detect(SIMPLIFIED.encode()[:-1]) == "utf-8"


def test_damage_is_noted(tmp_path):
    (tmp_path / "a.txt").write_bytes(SIMPLIFIED.encode() + b"\xff\xfe" + SIMPLIFIED.encode())
    (document,) = read(tmp_path / "a.txt")
    assert document.text.count("\ufffd") == 2
    assert document.notes == ("2 characters could not be decoded as utf-8",)
    (tmp_path / "b.txt").write_bytes("déjà vu".encode("cp1252"))
    assert read(tmp_path / "b.txt")[0].notes == ("encoding unknown, read as cp1252",)


def test_blank_text_is_refused(tmp_path):
    (tmp_path / "blank.txt").write_text(" \n\t", encoding="utf-8")
    with pytest.raises(ReadError, match="only white space"):
        read(tmp_path / "blank.txt")


def lines(path, *records):
    path.write_text("".join(f"{record}\n" for record in records), encoding="utf-8")
    return list(read_all(path))


def test_beir_corpus(tmp_path):
    items = lines(
        tmp_path / "corpus.jsonl",
        json.dumps({"_id": "d1", "title": "Fog", "text": "Three ships.", "metadata": {"year": 1931}}),
        json.dumps({"_id": "d2", "title": "Fog", "text": "Fog and horns."}),
        json.dumps({"_id": "3", "title": "", "text": "灯笼山"}, ensure_ascii=False),
    )
    assert [(item.id, item.title, item.text) for item in items] == [
        ("d1", "Fog", "Fog\nThree ships."),
        ("d2", "Fog", "Fog and horns."),  # the title begins the text already
        ("3", "", "灯笼山"),
    ]
    assert items[0].metadata == {"metadata": {"year": 1931}, "format": "jsonl", "encoding": "utf-8", "line": 1}
    assert {item.source for item in items} == {(tmp_path / "corpus.jsonl").as_posix()}


def test_a_bad_line_is_named_and_the_others_are_read(tmp_path):
    items = lines(tmp_path / "a.jsonl", '{"text": "one"}', "{broken", "", "[1]", '{"text": ""}', '{"text": "six"}')
    assert [item.text for item in items if isinstance(item, Document)] == ["one", "six"]
    refused = {item.source.rsplit(":", 1)[1]: item.reason for item in items if isinstance(item, Quarantined)}
    assert refused.keys() == {"2", "4", "5"}
    assert "not valid JSON" in refused["2"] and "list" in refused["4"] and "no text" in refused["5"]
    first = read(tmp_path / "a.jsonl")[0]
    assert first.text == "one" and len(first.notes) == 3


def test_thousands_of_bad_lines_do_not_flood_the_summary(tmp_path):
    items = lines(tmp_path / "a.jsonl", *["broken"] * 1000, '{"text": "good"}')
    assert len(items) == 22
    assert items[-1].reason.startswith("980 more lines")


def test_half_characters_cannot_reach_the_index(tmp_path):
    (item,) = lines(tmp_path / "a.jsonl", r'{"text": "half \ud83d here", "tag": "\udc00", "whole": "\ud83d\ude00"}')
    assert item.text == "half \ufffd here"
    assert item.metadata["tag"] == "\ufffd" and item.metadata["whole"] == "😀"


def test_a_corpus_is_streamed(tmp_path):
    """Memory stays flat: 20 MB pass through in less than 5."""
    path = tmp_path / "corpus.jsonl"
    path.write_text("".join(f'{{"_id": "{i}", "text": "{"word " * 400}"}}\n' for i in range(10_000)), encoding="utf-8")
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_all(path)) == 10_000
        assert tracemalloc.get_traced_memory()[1] < 5e6
    finally:
        tracemalloc.stop()


def test_an_endless_line_is_skipped(tmp_path):
    items = lines(tmp_path / "a.jsonl", '{"text": "one"}', '{"text": "' + "x" * 9_000_000 + '"}', '{"text": "three"}')
    assert [getattr(item, "text", "refused") for item in items] == ["one", "refused", "three"]


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ({"id": 7, "title": "T", "content": "body"}, ["T\nbody"]),
        ([{"body": "one"}, {"contents": "two"}], ["one", "two"]),
        ({"name": "fog", "ships": [3, {"lost": None, "seen": "two"}]}, ["name: fog\nships: 3\nships.seen: two"]),
        (["one", "two"], ["one\ntwo"]),
    ],
)
def test_json(value, texts, tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(value), encoding="utf-8")
    documents = read(tmp_path / "a.json")
    assert [document.text for document in documents] == texts
    if isinstance(value, dict) and "id" in value:
        assert documents[0].id == "7"


def test_an_integer_too_long_for_python_stays_text(tmp_path):
    digits = "7" * 5_000
    (item,) = lines(tmp_path / "a.jsonl", f'{{"text": "one", "n": {digits}, "m": 7}}')
    assert isinstance(item, Document) and item.metadata["n"] == digits and item.metadata["m"] == 7
    (tmp_path / "a.json").write_text(f'{{"n": {digits}}}', encoding="utf-8")
    assert read(tmp_path / "a.json")[0].text == f"n: {digits}"


@pytest.mark.parametrize(
    ("name", "start"), [("a.txt", "GIF89a is an image format"), ("a.md", "%PDF- is how one begins")]
)
def test_a_sentence_may_begin_like_another_format(name, start, tmp_path):
    (tmp_path / name).write_text(f"{start}; 灯塔", encoding="utf-8")
    assert read(tmp_path / name)[0].text == f"{start}; 灯塔"


@pytest.mark.parametrize("start", [b"%PDF-1.4\n", b"{\\rtf1\\ansi fog}", b"GIF89a\x01\x00"])
def test_another_format_is_refused_even_if_it_is_printable(start, tmp_path):
    (tmp_path / "a.txt").write_bytes(start)
    with pytest.raises(ReadError, match="the content looks like"):
        read(tmp_path / "a.txt")


def test_broken_json_names_the_place(tmp_path):
    (tmp_path / "a.json").write_text('{"a": 1,}', encoding="utf-8")
    with pytest.raises(ReadError, match=r"not valid JSON .*line 1 column 9"):
        read(tmp_path / "a.json")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_with_header(tmp_path, delimiter):
    rows = [["ship", "cargo"], ["Wren", "salt, tea"], ["Heron", "lamps\nand oil"]]
    quoted = "".join(delimiter.join(f'"{cell}"' for cell in row) + "\r\n" for row in rows)
    (tmp_path / "a.csv").write_bytes(quoted.encode())
    documents = read(tmp_path / "a.csv")
    assert [document.text for document in documents] == [
        "ship: Wren\ncargo: salt, tea",
        "ship: Heron\ncargo: lamps\nand oil",
    ]


def test_csv_with_a_text_column_and_in_chinese(tmp_path):
    (tmp_path / "a.csv").write_bytes("id,text,港口\n7,雾里的三条船都回来了,雾桥镇\n".encode("gb18030"))
    (document,) = read(tmp_path / "a.csv")
    assert (document.id, document.text, document.metadata["港口"]) == ("7", "雾里的三条船都回来了", "雾桥镇")
    assert document.metadata["encoding"] == "gb18030"


def test_csv_without_header_keeps_its_first_row(tmp_path):
    (tmp_path / "a.csv").write_text("Wren,3\nHeron,4,late\n", encoding="utf-8")
    assert [document.text for document in read(tmp_path / "a.csv")] == [
        "column 1: Wren\ncolumn 2: 3",
        "column 1: Heron\ncolumn 2: 4\ncolumn 3: late",
    ]


@pytest.mark.parametrize(("name", "content"), [("a.csv", "ship,cargo\n"), ("a.jsonl", "\n\n")])
def test_a_file_without_records_is_named(name, content, tmp_path):
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(ReadError, match="no records"):
        read(tmp_path / name)


def test_csv_with_an_open_quote_keeps_what_came_before(tmp_path):
    (tmp_path / "a.csv").write_text('a,b\n1,2\n3,"' + "x\n" * 5_000_000, encoding="utf-8")
    good, bad = read_all(tmp_path / "a.csv")
    assert isinstance(good, Document) and isinstance(bad, Quarantined)
    assert good.text == "a: 1\nb: 2"
    assert "quote that is never closed" in bad.reason
