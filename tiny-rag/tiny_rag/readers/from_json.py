"""JSON and JSON Lines, the `corpus.jsonl` of BEIR (Thakur et al. 2021) among them."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from .document import Document, Quarantined, ReadError, without_lone_surrogates
from .encoding import decode, notes
from .records import LONGEST_LINE, record_document, text_lines

MOST_COMPLAINTS = 20  # bad lines named one by one; the others are counted


def read_json(data: bytes) -> Iterator[Document]:
    """One Document for each object of a list, or one for the whole file."""
    decoded = decode(data)
    try:
        value = _parse(decoded.text)
    except RecursionError:
        raise ReadError("nested too deep to be data; flatten it") from None
    except ValueError as error:
        raise ReadError(f"not valid JSON ({error}); if every line is an object, rename it to .jsonl") from error
    records = value if isinstance(value, list) and all(isinstance(item, dict) for item in value) else [value]
    base = {"format": "json", "encoding": decoded.encoding}
    documents = (record_document("", record, base, decoded.notes) for record in records)
    empty = True
    for document in documents:
        if document.text.strip():
            empty = False
            yield document
    if empty:
        raise ReadError("no text in any field; nothing to read")


def read_jsonl(stream: BinaryIO, source: str) -> Iterator[Document | Quarantined]:
    """One Document a line. A bad line is named with its number, and the lines after it are read all the same."""
    lines, base = text_lines(stream, newline="\n")
    base["format"] = "jsonl"
    refused = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            if len(line) > LONGEST_LINE:
                raise ReadError(f"longer than {LONGEST_LINE:,} characters; split it")
            record = _parse(line.lstrip("\ufeff"))
            if not isinstance(record, dict):
                raise ReadError(f"a JSON {type(record).__name__}, not an object")
            document = record_document(source, record, {**base, "line": number}, notes(line, base["encoding"]))
            if not document.text.strip():
                raise ReadError("no text in the record")
        except (ReadError, ValueError, RecursionError) as error:
            refused += 1
            if refused <= MOST_COMPLAINTS:
                why = str(error) if isinstance(error, ReadError) else f"not valid JSON ({error}); correct the line"
                yield Quarantined(f"{source}:{number}", why)
            continue
        yield document
    if refused > MOST_COMPLAINTS:
        yield Quarantined(source, f"{refused - MOST_COMPLAINTS} more lines are bad or empty; correct the first ones")


def _parse(text: str) -> Any:
    value = json.loads(text, parse_int=_integer)
    if "\\ud" in text or "\\uD" in text:
        value = json.loads(without_lone_surrogates(json.dumps(value, ensure_ascii=False)))
    return value


def _integer(digits: str) -> int | str:
    """Python turns no more than 4,300 digits into a number (sys.set_int_max_str_digits); longer ones stay text."""
    try:
        return int(digits)
    except ValueError:
        return digits
