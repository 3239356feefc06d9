"""Tables of comma-, semicolon-, tab- or bar-separated values: one row, one Document."""

import csv
from collections.abc import Iterator
from itertools import chain, islice
from typing import BinaryIO

from .document import Document, Quarantined
from .encoding import notes
from .records import LONGEST_LINE, record_document, text_lines


def read_csv(stream: BinaryIO, source: str) -> Iterator[Document | Quarantined]:
    """One Document a row; a first row of distinct words is the header."""
    lines, base = text_lines(stream, newline="")
    base["format"] = "csv"
    csv.field_size_limit(LONGEST_LINE)  # module-wide in `csv`; the default of 131,072 is less than a long article
    head = list(islice(lines, 20))
    delimiter = _delimiter(head)
    rows = csv.reader(_bounded(chain(head, lines)), delimiter=delimiter)
    header: list[str] | None = None
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            reason = f"unreadable from here on ({error}); look for a quote that is never closed"
            yield Quarantined(f"{source}:{rows.line_num}", reason)
            return
        if row is None:
            return
        if header is None:
            header = [name.strip() for name in row] if _is_header(row) else []
            if header:
                continue
        record = {_name(header, column): cell for column, cell in enumerate(row) if cell.strip()}
        if record:
            damage = notes("".join(row), base["encoding"])
            yield record_document(source, record, {**base, "line": rows.line_num}, damage)


def _bounded(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if len(line) > LONGEST_LINE:
            raise csv.Error(f"a line of more than {LONGEST_LINE:,} characters")
        yield line


def _delimiter(head: list[str]) -> str:
    """The sign that cuts the first lines into the same number of fields, the more the better (csv.Sniffer guesses
    from letters, too, and takes squared time)."""

    def agreement(delimiter: str) -> tuple[int, int]:
        try:
            widths = [len(row) for row in csv.reader((line[:10_000] for line in head), delimiter=delimiter) if row]
        except csv.Error:
            return 0, 0
        usual = max(set(widths), key=widths.count, default=1)
        return (widths.count(usual), usual) if usual > 1 else (0, 0)

    return max(",;\t|", key=agreement)


def _name(header: list[str], column: int) -> str:
    return header[column] if column < len(header) else f"column {column + 1}"


def _is_header(row: list[str]) -> bool:
    names = [cell.strip() for cell in row]
    return len(set(names)) == len(names) and all(
        name and not name[0].isdigit() and name[0] not in "-+." for name in names
    )
