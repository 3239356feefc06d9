"""PDF pages through pypdf, or through its predecessor PyPDF2 as a second opinion. Runs in the guarded child only.

The text stays as the library gives it, but for two artefacts of layout that break search: glyph variants
(the ligature "ﬁ", and the Kangxi radical "⽂" that browsers write for "文") become the ordinary characters, and a
Chinese line that ends only because the column does is joined to the next one: a newline would cut a word in two.
"""

import importlib
import io
import re
import time
import unicodedata
from collections.abc import Callable
from typing import Any

from .document import Document, ReadError
from .layout import Layout

ENGINES = ("pypdf", "PyPDF2")
GARBLED_NOTE = 0.05  # share of a page's characters from which a note is made
GARBLED_REFUSED = 0.5  # share of all characters from which the file isn't worth indexing
GARBLED = re.compile(r"\(cid:\d+\)|[\ue000-\uf8ff\ufffd\x00-\x08\x0b\x0e-\x1f]")
GLYPH_VARIANTS = {
    code: unicodedata.normalize("NFKC", chr(code))
    for code in (*range(0x2E80, 0x2EF4), *range(0x2F00, 0x2FD6), *range(0xFB00, 0xFB07))
}
MOST_NOTES = 5
OWN_SHARE = 0.75  # of the time allowed, after which a slow file ends between two pages, before the parent kills it
CJK = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
INSIDE_CHINESE = re.compile(f"(?<=[{CJK}，、；：（）《》“”])\n(?=[{CJK}，。、；：！？（）《》“”])")
FULL_LINE = 0.8  # of the page's widest Chinese line: shorter ones are headings, list items, ends of paragraphs


def read_pdf(
    data: bytes, engine: str, tick: Callable[[], None], seconds: float, seconds_per_page: float = 0.0
) -> Document:
    """One Document with a span for each page; `tick` is called for every page that gave text.

    Before it has taken `seconds`, or `seconds_per_page` for each of those pages, it stops with what it has and a note.
    Raises ReadError if the file is encrypted, has no text, or hardly anything but garbled text. Whatever the library
    itself raises on a broken file goes through: the caller names it.
    """
    start, given = time.monotonic(), 0
    reader = importlib.import_module(engine).PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not _unlock(reader):
        raise ReadError("encrypted; save a copy without a password (qpdf --decrypt)")
    layout = Layout()
    empty: list[int] = []
    notes: list[str] = []
    unread = ""
    garbled = characters = 0
    for number, page in enumerate(reader.pages, start=1):
        elapsed = time.monotonic() - start
        if number > 1 and elapsed > OWN_SHARE * max(seconds, seconds_per_page * given):
            unread = f"only the first {number - 1} of {len(reader.pages)} pages were read in {elapsed:.1f} s"
            break
        try:
            text = clean(page.extract_text() or "")
        except (MemoryError, RecursionError):
            raise
        except Exception as error:  # one broken page must not cost the others
            notes.append(f"page {number} could not be read ({type(error).__name__}: {str(error)[:100]})")
            continue
        if not text.strip():
            empty.append(number)
            continue
        tick()
        given += 1
        bad, size = _garbled(text)
        garbled, characters = garbled + bad, characters + size
        if bad > GARBLED_NOTE * size:
            notes.append(
                f"page {number}: {bad / size:.0%} of the characters are garbled (a font without a Unicode map)"
            )
        layout.page(number)
        layout.break_line(2)
        layout.write_exactly(text)
    if unread and not characters:
        raise ReadError(f"{unread}, and gave no text; the file is broken or too complex")
    if not characters:
        raise ReadError("; ".join(notes[:3]) or "no text layer (scanned?); run OCR first, for example ocrmypdf")
    if garbled > GARBLED_REFUSED * characters:
        raise ReadError(f"{garbled / characters:.0%} of the characters are garbled; run OCR on the file first")
    if empty:
        notes.insert(0, f"{_pages(empty)} empty (scanned?)")
    if len(notes) > MOST_NOTES:
        notes[MOST_NOTES:] = [f"{len(notes) - MOST_NOTES} more pages are like these"]
    if unread:
        notes.insert(0, f"{unread}; split the file to read the others")
    text, spans = layout.finish()
    metadata = {"format": "pdf", "pages": len(reader.pages), "engine": engine}
    return Document("", text, None, _title(reader), metadata, spans, tuple(notes))


def clean(page: str) -> str:
    """Undo glyph variants and the line ends inside Chinese paragraphs."""
    page = page.translate(GLYPH_VARIANTS)
    chinese = [line for line in page.split("\n") if re.search(f"[{CJK}]", line)]  # no addresses in footers
    widest = max(map(_width, chinese), default=0)

    def join(match: re.Match[str]) -> str:
        line = page[page.rfind("\n", 0, match.start()) + 1 : match.start()]
        return "" if _width(line) >= FULL_LINE * widest else "\n"

    return INSIDE_CHINESE.sub(join, page)


def _width(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)


def _garbled(text: str) -> tuple[int, int]:
    """How many characters say nothing, and how many there are, white space apart; "(cid:17)" counts as one."""
    bad = len(GARBLED.findall(text))
    return bad, len("".join(GARBLED.sub("?", text).split()))


def _unlock(reader: Any) -> bool:
    """Try the empty password, which opens a file that is only protected against printing."""
    try:
        return bool(reader.decrypt(""))
    except Exception:  # an encryption that this library, or a package it would need, doesn't know
        return False


def _title(reader: Any) -> str:
    try:
        return " ".join(str((reader.metadata or {}).get("/Title") or "").split())
    except Exception:  # a title is worth nothing beside a text that could be read
        return ""


def _pages(numbers: list[int]) -> str:
    """[3] -> "page 3 is"; [3, 5, 6, 7] -> "pages 3, 5-7 are"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    listed = ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
    return f"page {listed} is" if len(numbers) == 1 else f"pages {listed} are"
