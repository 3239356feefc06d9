"""HTML without a tree: the words in the order of the source, for pages that the parser of from_html.py gives up on.

A page of a million tags costs memory only for its text, and nesting costs nothing, since nothing remembers it.
"""

from html.parser import HTMLParser

from .document import Document, ReadError
from .from_html import LINES, PARAGRAPHS, decode_page
from .layout import Layout


class _Words(HTMLParser):
    """Lays out the text between the tags, but for scripts and styles (in which HTMLParser sees no tags)."""

    def __init__(self) -> None:
        super().__init__()
        self.layout = Layout()
        self._code = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._code = tag in ("script", "style")
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        self._code = False
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self._code:
            self.layout.write(data)

    def _break(self, tag: str) -> None:
        if tag in PARAGRAPHS:
            self.layout.break_line(2)
        elif tag in LINES or tag == "br":
            self.layout.break_line()
        elif tag in ("td", "th"):
            self.layout.write(" ")


def read_html_plainly(data: bytes) -> Document:
    """One Document from the bytes of a page, without headings. Raises ReadError if it has no visible text."""
    decoded = decode_page(data)
    words = _Words()
    words.feed(decoded.text)
    words.close()
    text, spans = words.layout.finish()
    if not text.strip():
        raise ReadError("no visible text; the page may be filled in by a script: save it from a browser as text")
    metadata = {"format": "html", "encoding": decoded.encoding}
    return Document("", text, metadata=metadata, spans=spans, notes=decoded.notes)
