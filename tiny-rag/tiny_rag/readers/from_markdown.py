"""Markdown through python-markdown to HTML and from there to text under headings; front matter becomes metadata."""

import re

import markdown

from .document import Document, ReadError
from .encoding import decode
from .from_html import document_from_html
from .layout import Layout

EXTENSIONS = ("tables", "fenced_code", "footnotes", "def_list", "sane_lists")
FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
FENCE = re.compile(r" {0,3}(```+|~~~+)")
HEADING = re.compile(r" {0,3}(#{1,6})[ \t]")


def read_markdown(data: bytes) -> Document:
    """One Document from the bytes of a Markdown file. Raises ReadError if nothing visible is in it."""
    text, metadata, notes = _open(data)
    document = document_from_html(markdown.markdown(text, extensions=EXTENSIONS))
    title = metadata.get("title") or document.title
    return Document("", document.text, None, title, metadata, document.spans, notes)


def read_markdown_plainly(data: bytes) -> Document:
    """The source itself, split at its `#` headings: nothing is lost when the parser fails or takes too long."""
    text, metadata, notes = _open(data)
    layout, fenced = Layout(), ""
    for line in text.splitlines(keepends=True):
        fence, heading = FENCE.match(line), HEADING.match(line)
        if fence and not fenced:
            fenced = fence[1]
        elif fence and fence[1].startswith(fenced):
            fenced = ""
        elif heading and not fenced:
            layout.heading(len(heading[1]), line[heading.end() :].strip(" \t\n#"))
        layout.write_exactly(line)
    body, spans = layout.finish()
    if not body.strip():
        raise ReadError("only white space; nothing to read")
    return Document("", body, None, metadata.get("title", ""), metadata, spans, notes)


def _open(data: bytes) -> tuple[str, dict[str, str], tuple[str, ...]]:
    """Decoded text without its front matter, the metadata, and notes on the encoding."""
    decoded = decode(data)
    text = decoded.text.replace("\r\n", "\n").replace("\r", "\n")
    front = FRONT_MATTER.match(text)
    metadata = {}
    for line in front[1].splitlines() if front else ():
        key, colon, value = line.partition(":")
        if colon and re.fullmatch(r"[\w-]+", key):  # one level of `key: value`; deeper YAML is not text to search
            metadata[key] = value.strip().strip("\"'")
    metadata |= {"format": "md", "encoding": decoded.encoding}
    return text[front.end() :] if front else text, metadata, decoded.notes
