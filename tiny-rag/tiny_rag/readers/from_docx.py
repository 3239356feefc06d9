"""Word documents: paragraphs and tables in their order, under the path of their headings, footnotes at the end.

python-docx opens the package and knows the styles; the text is taken from the XML itself, because content controls,
text boxes and tracked insertions are no paragraphs of python-docx.
"""

import io
import re
import zipfile
from typing import Any

from docx import Document as open_docx
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import parse_xml

from .document import Document, ReadError
from .layout import Layout

MOST_MEMBERS = 10_000
MOST_BYTES = 300 * 2**20  # unpacked; a long report with pictures stays far below
MOST_RATIO = 200  # unpacked to packed; text in XML reaches 20 to 50
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"  # the same text a second time
# Elements that stand for characters. An optional hyphen (w:softHyphen) is none: its word must be found in one piece.
CHARACTERS = {f"{W}t": "", f"{W}tab": " ", f"{W}ptab": " ", f"{W}noBreakHyphen": "-"}
HEADING_STYLE = re.compile(r"(?:heading|标题|標題)\s*([1-9])", re.IGNORECASE)


def read_docx(data: bytes) -> Document:
    """One Document from the bytes of a .docx. Raises ReadError for archives that are bombs, broken, or not Word."""
    _check_archive(data)
    word = open_docx(io.BytesIO(data))
    levels = {style.style_id: level for style in word.styles if (level := _level_of(style.name, style.element))}
    layout = Layout()
    _lay_out(word.element.body, levels, layout)
    for kind in (RELATIONSHIP_TYPE.FOOTNOTES, RELATIONSHIP_TYPE.ENDNOTES):
        for relation in word.part.rels.values():
            if relation.reltype == kind and not relation.is_external:  # what lies elsewhere isn't fetched
                _lay_out(parse_xml(relation.target_part.blob), {}, layout)
    text, spans = layout.finish()
    if not text.strip():
        raise ReadError("no text in the document; if it holds pictures of pages, run OCR first")
    title = (word.core_properties.title or "").strip()
    first = next((span.heading[0] for span in spans if span.heading), "")
    return Document("", text, None, title or first, {"format": "docx"}, spans)


def _check_archive(data: bytes) -> None:
    """Look at the table of contents before unpacking anything; zipfile then reads no more than it promises."""
    try:
        members = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise ReadError(f"a damaged Word file ({error}); open it in Word and save it again") from error
    unpacked = sum(member.file_size for member in members)
    packed = max(1, sum(member.compress_size for member in members))
    if (
        len(members) > MOST_MEMBERS
        or unpacked > MOST_BYTES
        or unpacked > max(2**20, MOST_RATIO * min(packed, len(data)))
    ):
        raise ReadError(
            f"a zip bomb: {len(members):,} members that unpack from {len(data):,} to {unpacked:,} bytes; "
            "if it is honest, save it again without embedded files"
        )
    if "word/document.xml" not in {member.filename for member in members}:
        raise ReadError("a zip archive, but not a Word document; unpack it, or rename it to what it is")


def _level_of(name: str | None, element: Any) -> int:
    """Heading level of a style: by name ("Heading 2", "标题 2"), or by its outline level, else 0."""
    if name and (match := HEADING_STYLE.fullmatch(name.strip())):
        return int(match[1])
    outline = element.find(f"{W}pPr/{W}outlineLvl")
    return int(outline.get(f"{W}val")) + 1 if outline is not None and int(outline.get(f"{W}val")) < 9 else 0


def _lay_out(root: Any, levels: dict[str, int], layout: Layout) -> None:
    """Go over the XML in document order; every kind of block announces itself where it begins."""
    repeated: set[Any] = set()
    for element in root.iter():
        tag = element.tag
        if tag == FALLBACK:
            repeated.update(element.iter())
        if element in repeated:
            continue
        if tag == f"{W}p":
            layout.break_line(2)
            _begin_paragraph(element, levels, layout)
        elif tag == f"{W}tbl":
            layout.table()
        elif tag == f"{W}tr":
            layout.row()
        elif tag == f"{W}tc":
            layout.cell()
        elif tag in CHARACTERS:
            layout.write(_characters(element))
        elif tag in (f"{W}br", f"{W}cr"):
            layout.break_line()


def _characters(element: Any) -> str:
    return element.text or "" if element.tag == f"{W}t" else CHARACTERS.get(element.tag, " ")


def _begin_paragraph(paragraph: Any, levels: dict[str, int], layout: Layout) -> None:
    style = paragraph.find(f"{W}pPr/{W}pStyle")
    level = levels.get(style.get(f"{W}val"), 0) if style is not None else 0
    if level:
        layout.heading(level, "".join(map(_characters, paragraph.iter(*CHARACTERS, f"{W}br", f"{W}cr"))))
    elif paragraph.find(f"{W}pPr/{W}numPr") is not None:
        layout.bullet("-")
