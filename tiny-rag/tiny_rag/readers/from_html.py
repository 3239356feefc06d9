"""HTML as a browser shows it, without the chrome: text under its headings, lists with bullets, tables in rows.

BeautifulSoup builds the tree; it is walked with a stack of our own, since a page may nest deeper than Python recurses.
"""

import re
from collections.abc import Iterator
from itertools import islice

from bs4 import BeautifulSoup
from bs4.element import CData, NavigableString, PageElement, PreformattedString, Tag

from .document import Document, ReadError
from .encoding import Decoded, decode
from .layout import Layout

INVISIBLE = {"script", "style", "template", "noscript", "title", "iframe"}
LINES = set(  # as a string, because a literal would fill the page
    """address article aside body button center dd details dialog div dt fieldset figcaption figure footer form header
    hr html label legend li main menu nav ol optgroup option section summary tbody tfoot thead tr ul""".split()
)
PARAGRAPHS = {"blockquote", "caption", "dl", "h1", "h2", "h3", "h4", "h5", "h6", "p", "pre", "table"}
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
DEEPEST = 100_000  # unclosed <p> and <li> of honest old pages count as nested too, so this is generous


class _Soup(BeautifulSoup):
    """Refuses a page of ever deeper tags after a second, where the tree of a million would take ten."""

    def pushTag(self, tag: Tag) -> None:
        if len(self.tagStack) > DEEPEST:
            raise ReadError(f"tags are nested more than {DEEPEST:,} deep; not a page that a person wrote")
        super().pushTag(tag)


def read_html(data: bytes) -> Document:
    """One Document from the bytes of a page. Raises ReadError if it has no visible text."""
    decoded = decode_page(data)
    document = document_from_html(decoded.text)
    metadata = {**document.metadata, "format": "html", "encoding": decoded.encoding}
    return Document("", document.text, None, document.title, metadata, document.spans, decoded.notes)


def decode_page(data: bytes) -> Decoded:
    """Decode a page, in the encoding that its <meta> claims if that fits."""
    claim = re.search(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{1,40})", data[:4096], re.IGNORECASE)
    return decode(data, claim[1].decode() if claim else "")


def document_from_html(page: str) -> Document:
    """Title, text and headings of a page that is decoded already (Markdown comes this way, too)."""
    soup = _Soup(page, "html.parser")
    text, spans = _lay_out(soup, INVISIBLE).finish()
    if soup.find("nav"):
        content, content_spans = _lay_out(soup, INVISIBLE | {"nav"}).finish()
        if 2 * len(content) > len(text):  # else a page of links, or a <nav> that never ends: it is the content
            text, spans = content, content_spans
    if not text.strip():
        raise ReadError("no visible text; the page may be filled in by a script: save it from a browser as text")
    title = soup.find("title")
    first = next((span.heading[0] for span in spans if span.heading), "")
    return Document("", text, title=" ".join(title.get_text().split()) if title else first, spans=spans)


def _lay_out(soup: BeautifulSoup, skipped: set[str]) -> Layout:
    layout = Layout()
    numbers: list[int | None] = []  # of the open lists: the last number given, None for bullets
    verbatim = 0  # how many <pre> are open
    for node, opens in _walk(soup, skipped):
        if isinstance(node, NavigableString):
            if verbatim:
                layout.write_exactly(str(node))
            elif not isinstance(node, PreformattedString) or isinstance(node, CData):  # comments, doctypes
                layout.write(str(node))
        elif isinstance(node, Tag):
            verbatim += (1 if opens else -1) * (node.name == "pre")
            _tag(layout, node, opens, numbers)
    return layout


def _tag(layout: Layout, tag: Tag, opens: bool, numbers: list[int | None]) -> None:
    """What a tag does to the layout where it opens and where it closes."""
    name = tag.name
    if name in PARAGRAPHS:
        layout.break_line(2)
    elif name in LINES:
        layout.break_line()
    if name in ("ol", "ul"):
        if opens:
            numbers.append(0 if name == "ol" else None)
        else:
            numbers.pop()
    elif not opens:
        return
    elif name in HEADINGS:
        layout.heading(int(name[1]), "".join(_texts(tag)))
    elif name == "li":
        if numbers and numbers[-1] is not None:
            numbers[-1] += 1
            layout.bullet(f"{numbers[-1]}.")
        else:
            layout.bullet("-")
    elif name == "table":
        layout.table()
    elif name == "tr":
        layout.row()
    elif name in ("td", "th"):
        layout.cell()
    elif name == "br":
        layout.break_line()
    elif name == "img":
        layout.write(f" {tag.get('alt', '')} ")


def _walk(root: Tag, skipped: set[str]) -> Iterator[tuple[PageElement, bool]]:
    """Each string once, and each tag twice: (tag, True) where it opens, (tag, False) where it closes."""
    stack: list[tuple[Tag, Iterator[PageElement]]] = [(root, iter(root.contents))]
    while stack:
        tag, children = stack[-1]
        child = next(children, None)
        if child is None:
            stack.pop()
            if stack:
                yield tag, False
        elif not isinstance(child, Tag):
            yield child, True
        elif child.name not in skipped and not _hidden(child):
            yield child, True
            stack.append((child, iter(child.contents)))


def _hidden(tag: Tag) -> bool:
    return tag.has_attr("hidden") or "display:none" in str(tag.get("style", "")).replace(" ", "").lower()


def _texts(heading: Tag) -> Iterator[str]:
    """The strings in a heading; only its first 50 tags or so, so that headings in headings don't take squared time."""
    return (str(node) for node, _ in islice(_walk(heading, INVISIBLE), 100) if type(node) is NavigableString)
