"""Builders of broken and hostile files, every byte of them made here and the same in every run."""

import io
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

SENTENCE = "The lighthouse keeper counts the ships before breakfast."


def pdf(objects: dict[int, bytes], trailer: bytes = b"/Root 1 0 R") -> bytes:
    """A PDF of the given objects with a correct cross-reference table."""
    body, offsets = io.BytesIO(b""), {}
    body.write(b"%PDF-1.4\n")
    for number in sorted(objects):
        offsets[number] = body.tell()
        body.write(b"%d 0 obj\n%b\nendobj\n" % (number, objects[number]))
    start = body.tell()
    body.write(b"xref\n0 1\n0000000000 65535 f \n")
    for number, offset in offsets.items():
        body.write(b"%d 1\n%010d 00000 n \n" % (number, offset))
    body.write(b"trailer\n<< /Size %d %b >>\nstartxref\n%d\n%%%%EOF\n" % (max(objects) + 1, trailer, start))
    return body.getvalue()


def stream(data: bytes, extra: bytes = b"") -> bytes:
    return b"<< /Length %d %b >>\nstream\n%b\nendstream" % (len(data), extra, data)


def text_pdf(*pages: str) -> bytes:
    """A PDF with one line of Helvetica on each page; "" makes a page without text, as a scanner does."""
    kids = b" ".join(b"%d 0 R" % (10 + 2 * i) for i in range(len(pages)))
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, len(pages)),
        3: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    }
    for i, text in enumerate(pages):
        objects[10 + 2 * i] = (
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R >> >> >>" % (11 + 2 * i)
        )
        lines = b" T* ".join(b"(%b) Tj" % _escape(line) for line in text.split("\n"))
        objects[11 + 2 * i] = stream(b"BT /F1 12 Tf 14 TL 72 720 Td %b ET" % lines if text else b"")
    return pdf(objects)


def _escape(line: str) -> bytes:
    return line.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def unicode_pdf(text: str, mapped: bool = True) -> bytes:
    """A page in a two-byte font with a ToUnicode map, the way that browsers write Chinese, one line a line.

    With `mapped` off the map sends every glyph to the private use area, as fonts of old typesetters do.
    """
    codes = {character: i for i, character in enumerate(sorted(set(text) - {"\n"}), start=1)}
    target = {character: ord(character) if mapped else 0xE000 + code for character, code in codes.items()}
    pairs = "\n".join(f"<{code:04x}> <{target[character]:04x}>" for character, code in codes.items())
    to_unicode = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /M def\n"
        "1 begincodespacerange <0000> <ffff> endcodespacerange\n"
        f"{len(codes)} beginbfchar\n{pairs}\nendbfchar\nendcmap end"
    )
    shown = " T* ".join(f"<{''.join(f'{codes[c]:04x}' for c in line)}> Tj" for line in text.split("\n"))
    return pdf(
        {
            1: b"<< /Type /Catalog /Pages 2 0 R >>",
            2: b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
            3: b"<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H"
            b" /DescendantFonts [6 0 R] /ToUnicode 7 0 R >>",
            4: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R"
            b" /Resources << /Font << /F1 3 0 R >> >> >>",
            5: stream(f"BT /F1 12 Tf 14 TL 72 720 Td {shown} ET".encode()),
            6: b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X /DW 1000 /FontDescriptor 8 0 R"
            b" /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> >>",
            7: stream(to_unicode.encode()),
            8: b"<< /Type /FontDescriptor /FontName /X /Flags 4 >>",
        }
    )


def trailing_percent() -> bytes:
    """A comment without an end after the file's end: old versions of both libraries loop over it for ever."""
    return text_pdf(SENTENCE).removesuffix(b"\n") + b"\n%"


def sea_of_percents() -> bytes:
    return text_pdf(SENTENCE) + b"%" * 2_000_000


def comment_in_content() -> bytes:
    """A content stream that ends inside a comment (CVE-2023-36464: PyPDF2 never leaves it)."""
    page = text_pdf(SENTENCE)
    content = b"BT /F1 12 Tf 72 720 Td (%b) Tj ET" % SENTENCE.encode()
    return page.replace(content, content[:-3] + b" %x")  # same length, so that every offset holds


def circular_prev() -> bytes:
    """A cross-reference table that names itself as the previous one, and whose other objects are nowhere."""
    body = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
    table = b"xref\n1 1\n0000000009 00000 n \ntrailer\n<< /Size 3 /Root 1 0 R /Prev %d >>\n" % len(body)
    return body + table + b"startxref\n%d\n%%%%EOF\n" % len(body)


def cyclic_pages() -> bytes:
    """A page tree whose root is its own child."""
    return pdf({1: b"<< /Type /Catalog /Pages 2 0 R >>", 2: b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 99999 >>"})


def cyclic_pages_between() -> bytes:
    return pdf(
        {
            1: b"<< /Type /Catalog /Pages 2 0 R >>",
            2: b"<< /Type /Pages /Kids [3 0 R 3 0 R] /Count 4 >>",
            3: b"<< /Type /Pages /Parent 2 0 R /Kids [2 0 R 2 0 R] /Count 4 >>",
        }
    )


def flate_bomb(gigabytes: int = 4) -> bytes:
    """A page whose content unpacks, in two steps, to gigabytes of spaces."""
    squeeze = zlib.compressobj(9)
    start = squeeze.compress(b" " * 2**20) + squeeze.flush(zlib.Z_FULL_FLUSH)
    again = squeeze.compress(b" " * 2**20) + squeeze.flush(zlib.Z_FULL_FLUSH)  # depends on nothing before it
    data = zlib.compress(start + again * (1024 * gigabytes), 9)
    return pdf(
        {
            1: b"<< /Type /Catalog /Pages 2 0 R >>",
            2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Resources << /Font << >> >> >>",
            4: stream(data, b"/Filter [/FlateDecode /FlateDecode]"),
        }
    )


def slow_pages(pages: int = 80, padding: int = 6_000_000) -> bytes:
    """Every page shows one letter 60,000 times, each by an operator of its own, and the file is padded to look rich."""
    data = text_pdf(*["x"] * pages)
    content = b"BT /F1 12 Tf 14 TL 72 720 Td (x) Tj ET"
    many = stream(zlib.compress(content.replace(b"(x) Tj", b"(x) Tj " * 60_000), 9), b"/Filter /FlateDecode")
    return data.replace(stream(content), many) + b"%" + b"7" * padding  # the offsets are wrong now; both repair them


def truncated(data: bytes, places: int) -> list[bytes]:
    """The first part of a file, cut at evenly spread places."""
    return [data[: len(data) * i // places] for i in range(places)]


def archive(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in members.items():
            out.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
CONTENT_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/word/document.xml" ContentType="{WORD}"/></Types>'
)
RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
    'Target="word/document.xml"/></Relationships>'
)


def docx(document: str | bytes, **more: bytes) -> bytes:
    """The smallest Word package around a document.xml."""
    parts = {"[Content_Types].xml": CONTENT_TYPES, "_rels/.rels": RELATIONS, "word/document.xml": document, **more}
    return archive({name: part.encode() if isinstance(part, str) else part for name, part in parts.items()})


def body(paragraphs: str) -> str:
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    return f'<w:document xmlns:w="{space}"><w:body>{paragraphs}</w:body></w:document>'


def billion_laughs() -> bytes:
    entities = '<!ENTITY l0 "lol">' + "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
    return docx(f"<!DOCTYPE x [{entities}]>" + body("<w:p><w:r><w:t>&l9;</w:t></w:r></w:p>"))


def outside_entity() -> bytes:
    """An entity that names a file of the machine: its content must not end up in the index."""
    place = Path(__file__).resolve().as_uri()
    return docx(f'<!DOCTYPE x [<!ENTITY e SYSTEM "{place}">]>' + body("<w:p><w:r><w:t>&e;kept</w:t></w:r></w:p>"))


# Every file that must end within its time, by the name under which it is written.
FILES: dict[str, Callable[[], bytes]] = {
    "trailing-percent.pdf": trailing_percent,
    "sea-of-percents.pdf": sea_of_percents,
    "comment-in-content.pdf": comment_in_content,
    "circular-prev.pdf": circular_prev,
    "cyclic-pages.pdf": cyclic_pages,
    "cyclic-pages-between.pdf": cyclic_pages_between,
    "flate-bomb.pdf": flate_bomb,
    "slow-pages.pdf": slow_pages,
    "is-html.pdf": lambda: b"<!DOCTYPE html><p>not a PDF",
    "is-text.pdf": lambda: b"not a PDF",
    "is-empty.pdf": lambda: b"",
    "is-pdf.docx": lambda: text_pdf(SENTENCE),
    "is-pdf.txt": lambda: text_pdf(SENTENCE),
    "is-zip.docx": lambda: archive({"readme.txt": b"hello"}),
    "is-garbage.txt": lambda: bytes(i * i * 7919 % 251 for i in range(50_000)),
    "zip-bomb.docx": lambda: docx(b" " * (400 * 2**20)),
    "many-members.docx": lambda: docx(body(""), **{f"x/{i}": b"" for i in range(20_000)}),
    "billion-laughs.docx": billion_laughs,
    "deep.docx": lambda: docx(body("".join(f'<w:p w:n="{i * i}">' for i in range(100_000)) + "</w:p>" * 100_000)),
    "million-tags.html": lambda: b"<div>" * 1_000_000 + SENTENCE.encode(),
    "unclosed.html": lambda: b"<" * 10_000_000,
    "unclosed-tags.html": lambda: b"<a " * 1_000_000,
    "nested-headings.html": lambda: b"<h1>" * 50_000 + SENTENCE.encode(),
    "deep.json": lambda: b"[" * 100_000 + b"]" * 100_000,
    "many-lists.json": lambda: b"[" + b"[]," * 16_000_000 + b"[]]",
    "deep.jsonl": lambda: b'{"a":' * 100_000,
    "one-field.csv": lambda: b'name,story\nx,"' + b"word " * 40_000_000,
    "nulls.txt": lambda: bytes(1_000_000),
    "brackets.md": lambda: b"[" * 50_000,
    "stars.md": lambda: b"*a **b " * 50_000,
    "quotes.md": lambda: b">" * 5_000 + b" deep",
    "entities.html": lambda: b"&" * 300_000,
}
