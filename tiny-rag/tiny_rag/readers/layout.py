"""Turn a stream of blocks and words into text that remembers which page or heading each character lies under.

Readers call `write`, `break_line`, `cell`, `heading` and so on; white space comes out as a reader would see it: words
one space apart, blocks on lines of their own, table cells separated by " | ".
"""

import re

from .document import Span, without_lone_surrogates

HTML_SPACE = re.compile(r"[ \t\n\r\f]+")  # not \s: a no-break space is content
LONGEST_HEADING = 200  # characters kept in a heading path


class Layout:
    """Text under construction. A break becomes newlines only when more text follows, so none dangles at the end."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._marks: list[tuple[int, int | None, tuple[str, ...]]] = []  # where a page or heading path begins
        self._path: list[tuple[int, str]] = []
        self._page: int | None = None
        self._newlines = 0  # owed before the next text
        self._space = False  # owed before the next text
        self._glued = False  # right after a bullet or a cell's edge: a block there continues the line
        self._row_has_cell = False

    def break_line(self, newlines: int = 1) -> None:
        """The next text starts a new line (1) or a new paragraph (2)."""
        if not self._glued:
            self._newlines = max(self._newlines, newlines)

    def table(self) -> None:
        """The next row is the first of a table."""
        self._glued = self._row_has_cell = False
        self.break_line(2)

    def row(self) -> None:
        """The next cell starts a new line, right under the last row even if that ended in a paragraph."""
        self._glued = False
        self._newlines = 1 if self._row_has_cell else max(self._newlines, 1)
        self._row_has_cell = False

    def cell(self) -> None:
        """The next text is a new cell of the row, even if the last cell ended in a paragraph of its own."""
        if self._row_has_cell:
            self._newlines, self._space = 0, False
            self._put(" |")
            self._space = True
        self._row_has_cell = True
        self._glued = True

    def bullet(self, mark: str) -> None:
        """Begin a list item: the paragraph inside it continues the line of its bullet."""
        self._glued = False
        self.break_line()
        self._put(mark)
        self._space = self._glued = True

    def heading(self, level: int, title: str) -> None:
        """The next text lies under this heading, which closes those of its own level and below."""
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        title = HTML_SPACE.sub(" ", without_lone_surrogates(title)).strip()
        if title:
            self._path.append((level, title[:LONGEST_HEADING]))

    def page(self, number: int) -> None:
        """The next text lies on this page."""
        self._page = number

    def write(self, text: str) -> None:
        """Running text: white space collapses to one space, and to none at the start of a line."""
        words = HTML_SPACE.sub(" ", text)
        self._space |= words.startswith(" ")
        if words.strip(" "):
            self._put(without_lone_surrogates(words.strip(" ")))
            self._glued = False
            self._space = words.endswith(" ")

    def write_exactly(self, text: str) -> None:
        """Code and PDF pages: every space and newline stays."""
        if text:
            self._space = False
            self._put(without_lone_surrogates(text))
            self._glued = False

    def finish(self) -> tuple[str, tuple[Span, ...]]:
        """The text and its spans; a span runs until the next one begins, so together they cover everything."""
        ends = [start for start, _, _ in self._marks[1:]] + [self._length]
        spans = (Span(start, end, page, path) for (start, page, path), end in zip(self._marks, ends, strict=False))
        return "".join(self._parts), tuple(spans)

    def _put(self, text: str) -> None:
        if self._newlines and self._length:
            last = self._parts[-1]
            self._append("\n" * (self._newlines - (len(last) - len(last.rstrip("\n")))))  # code brings its own
        elif self._space and self._length:
            self._append(" ")
        self._newlines, self._space = 0, False
        path = tuple(title for _, title in self._path)
        if not self._marks or self._marks[-1][1:] != (self._page, path):
            self._marks.append((self._length, self._page, path))
        self._append(text)

    def _append(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)
