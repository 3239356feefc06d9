"""PDF: pages with exact spans, notes on the quality of their text, and the second opinion."""

import io
import shutil
import subprocess

import pytest
from pypdf import PdfReader, PdfWriter

from hostile import SENTENCE, text_pdf, unicode_pdf
from tiny_rag.readers import ReadError, from_pdf, read
from tiny_rag.readers.from_pdf import clean, read_pdf

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture
def pdf(tmp_path):
    def write(data: bytes):
        (tmp_path / "a.pdf").write_bytes(data)
        return tmp_path / "a.pdf"

    return write


def test_pages_have_their_spans(pdf):
    (document,) = read(pdf(text_pdf("One (1)\nand more", "Two", "Three")))
    assert document.text == "One (1)\nand more\n\nTwo\n\nThree"
    assert [(span.page, document.text[span.start : span.end].strip()) for span in document.spans] == [
        (1, "One (1)\nand more"),
        (2, "Two"),
        (3, "Three"),
    ]
    assert document.spans[-1].end == len(document.text)
    assert document.metadata == {"format": "pdf", "pages": 3, "engine": "pypdf"}
    assert document.notes == ()


def test_empty_pages_are_noted(pdf):
    (document,) = read(pdf(text_pdf("One", "", "Three", "", "", "", "Seven")))
    assert document.notes == ("pages 2, 4-6 are empty (scanned?)",)
    assert [span.page for span in document.spans] == [1, 3, 7]


def test_a_pdf_without_text_is_refused(pdf):
    with pytest.raises(ReadError, match=r"no text layer \(scanned\?\); run OCR first"):
        read(pdf(text_pdf("", "")))


def test_chinese(pdf):
    (document,) = read(pdf(unicode_pdf("灯塔看守人早饭前数船。")))
    assert document.text == "灯塔看守人早饭前数船。"


def test_garbled_text_is_noted_and_refused_when_it_is_most_of_it(pdf):
    with pytest.raises(ReadError, match=r"100% of the characters are garbled"):
        read(pdf(unicode_pdf("灯塔看守人早饭前数船。", mapped=False)))
    (document,) = read(pdf(text_pdf("(cid:7)(cid:8) and twenty-three letters")))
    note = "of the characters are garbled (a font without a Unicode map)"
    assert document.notes == (f"page 1: 8% {note}",)
    (document,) = read(pdf(text_pdf(*["(cid:7)(cid:8) and twenty-three letters"] * 9)))
    assert document.notes == (*(f"page {n}: 8% {note}" for n in range(1, 6)), "4 more pages are like these")


def encrypted(user_password: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(text_pdf(SENTENCE))))
    writer.encrypt(user_password, "owner", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_a_password_is_asked_for_only_where_there_is_one(pdf):
    (document,) = read(pdf(encrypted("")))
    assert document.text == SENTENCE
    with pytest.raises(ReadError, match="encrypted; save a copy without a password"):
        read(pdf(encrypted("secret")))


def test_a_title_comes_from_the_file(pdf):
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(text_pdf(SENTENCE))))
    writer.add_metadata({"/Title": "灯塔"})
    out = io.BytesIO()
    writer.write(out)
    assert read(pdf(out.getvalue()))[0].title == "灯塔"


def test_a_slow_pdf_keeps_the_pages_that_came_in_time(monkeypatch):
    """A clock that moves on by a second whenever it is looked at: before each page, and once at the start."""
    clock = iter(range(100))
    monkeypatch.setattr(from_pdf.time, "monotonic", lambda: next(clock))
    data = text_pdf(*"abcdefgh")
    slow = read_pdf(data, "pypdf", lambda: None, 4)
    assert slow.text == "a\n\nb\n\nc"
    assert slow.notes == ("only the first 3 of 8 pages were read in 4.0 s; split the file to read the others",)
    assert read_pdf(data, "pypdf", lambda: None, 4, seconds_per_page=2).notes == ()
    with pytest.raises(ReadError, match=r"only the first 3 of 8 pages were read in 4\.0 s, and gave no text"):
        read_pdf(text_pdf(*[""] * 8), "pypdf", lambda: None, 4, seconds_per_page=2)


def test_both_libraries_read_the_same():
    data = text_pdf("One", "Two")
    first, second = (read_pdf(data, engine, lambda: None, 60) for engine in ("pypdf", "PyPDF2"))
    assert first.text == second.text and first.spans == second.spans


def test_chinese_lines_are_joined_where_only_the_column_ends():
    full = [
        "灯塔的看守人每天早饭前数一遍船，昨天数到十",
        "四条，今天雾大，只听见汽笛声。他在本子上记",
        "下：听见三条。",
    ]
    footer = "http://example.org/a-long-address-that-is-wider-than-any-of-the-lines"
    page = "\n".join(["第一章", *full, "第二章", footer])
    assert clean(page).split("\n") == ["第一章", "".join(full), "第二章", footer]


def test_glyph_variants_become_ordinary_characters():
    assert clean("ﬁnd the oﬃce ⽂字⼀") == "find the office 文字一"
    assert clean("ｆｕｌｌ　½") == "ｆｕｌｌ　½"  # nothing else is changed


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: apt-get install chromium fonts-noto-cjk")
def test_a_browser_s_pdf(tmp_path):
    """A real producer: compressed object streams, subset fonts, glyph variants."""
    page = tmp_path / "page.html"
    text = "灯塔的看守人每天早饭前数一遍船，文字一行写不下就接着写第二行，直到写满为止。" * 3
    page.write_text(
        f"<meta charset=utf-8><p style='width:300px'>{text}</p><p style='break-before:page'>An office, finally.</p>",
        encoding="utf-8",
    )
    out = tmp_path / "page.pdf"
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", f"--print-to-pdf={out}", page.as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    (document,) = read(out)
    assert text in document.text
    assert document.text[document.spans[1].start :].startswith("An office, finally.")
    assert document.spans[1].page == 2
