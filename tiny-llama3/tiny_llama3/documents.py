"""Documents out of files, one after the other, so that a corpus may be larger than memory.

    .txt .md    text: a file is one document, or holds several
    .jsonl      on each line an object with the text in a field, or a string
    .json       an array of such
    folder      all of these below it, in order; hidden ones are left out

Each may be gzipped (.txt.gz). All are UTF-8.
"""

import codecs
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from tiny_llama3.problem import Problem
from tiny_llama3.text_input import checked

KINDS = (".txt", ".md", ".jsonl", ".json")
BLOCK = 2**20  # bytes that are read at once
CONTROL = bytes({*range(32)} - {*b"\t\n\v\f\r\x1b"})


def read_documents(paths: Sequence[Path], field: str = "text", separate: str = "file") -> Iterator[str]:
    """The documents that aren't empty.

    `field` is where a JSON object has its text; several, as in "title,paragraphs", are joined by a line break, and so
    is a list of strings. `separate` says what a text file holds: one document ("file"), one a line ("line"), several
    with blank lines between them ("blank"), or with any other marker, which goes with the line breaks around it.
    Raises Problem with file and line; for a path that can't be read at once, for a content when it comes to it.
    """
    fields = [name.strip() for name in field.split(",")]
    if not all(fields):
        raise Problem(f"field must name a field of the objects, or several with commas (got {field!r}); change it")
    if not separate:
        raise Problem("separate is empty; choose file, blank, line, or the marker that stands between documents")
    if not paths:
        raise Problem("there is nothing to read; name a file or a folder")
    return _documents([file for path in paths for file in _files(path)], fields, separate)


def _documents(files: list[Path], fields: list[str], separate: str) -> Iterator[str]:
    empty = True
    for file in files:
        for text in _texts(file, separate) if _kind(file) in (".txt", ".md") else _json_texts(file, fields):
            if text and not text.isspace():
                empty = False
                yield text
    if empty:
        names = ", ".join(file.as_posix() for file in files[:3]) + (", ..." if len(files) > 3 else "")
        raise Problem(f"{names}: there is no text in there; give files that have some")


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        inside = {file.relative_to(path).as_posix(): file for file in path.rglob("*") if file.is_file()}
        seen = [file for name, file in sorted(inside.items()) if not re.search(r"(^|/)\.", name)]
        for file in seen:
            if file.suffix == ".part":
                raise Problem(f"{file.as_posix()} is a download that isn't complete; finish it, or remove it")
        files = [file for file in seen if _kind(file)]
        if not files:
            raise Problem(f"{path.as_posix()} has no file that ends in {_kinds()}; name another folder")
        return files
    if not path.exists():
        raise Problem(f"{path.as_posix()}: there is no such file or folder; correct the name")
    if not _kind(path):
        raise Problem(f"{path.as_posix()}: can't tell what is in there by its name; it should end in {_kinds()}")
    return [path]


def _kind(path: Path) -> str | None:
    suffix = Path(path.name.lower().removesuffix(".gz")).suffix
    return suffix if suffix in KINDS else None


def _kinds() -> str:
    return f"{', '.join(KINDS[:-1])} or {KINDS[-1]} (and .gz after it, if gzipped)"


def _texts(path: Path, separate: str) -> Iterator[str]:
    if separate == "file":
        yield "".join(_decoded(path))
    elif separate == "line":
        yield from pieces(_decoded(path), "\n")
    elif separate == "blank":
        yield from _paragraphs(pieces(_decoded(path), "\n"))
    else:
        yield from (piece.strip("\n") for piece in pieces(_decoded(path), separate))


def pieces(blocks: Iterable[str], marker: str) -> Iterator[str]:
    """What "".join(blocks).split(marker) gives, holding no more than a block and a piece."""
    begun: list[str] = []  # of a piece that began in earlier blocks, all but
    end = ""  # its end, in which a marker may begin that goes on in the next block
    for block in blocks:
        *whole, last = (end + block).split(marker)
        if whole:
            yield "".join([*begun, whole[0]])
            yield from whole[1:]
            begun = []
        cut = max(0, len(last) - len(marker) + 1)
        begun.append(last[:cut])
        end = last[cut:]
    yield "".join([*begun, end])


def _paragraphs(lines: Iterable[str]) -> Iterator[str]:
    paragraph: list[str] = []
    for line in lines:
        if line and not line.isspace():
            paragraph.append(line)
        elif paragraph:
            yield "\n".join(paragraph)
            paragraph = []
    yield "\n".join(paragraph)


def _json_texts(path: Path, fields: list[str]) -> Iterator[str]:
    for where, item in _json_lines(path) if _kind(path) == ".jsonl" else _json_array(path):
        try:
            yield checked(item if isinstance(item, str) else _text_of(item, fields))
        except Problem as problem:
            raise Problem(f"{where}: {problem}") from None


def _json_lines(path: Path) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(pieces(_decoded(path), "\n"), 1):
        if line and not line.isspace():
            yield f"{path.as_posix()}:{number}", _parsed(line, path, number)


def _json_array(path: Path) -> Iterator[tuple[str, Any]]:
    array = _parsed("".join(_decoded(path)) or "[]", path, 1)
    if not isinstance(array, list):
        raise Problem(f"{path.as_posix()}: is {_named(array)}, not an array; write [...] around the objects, or "
                      "one on each line of a .jsonl file")  # fmt: skip
    for number, item in enumerate(array, 1):
        yield f"{path.as_posix()}, item {number}", item


def _parsed(text: str, path: Path, line: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        wanted = "write one object on each line" if _kind(path) == ".jsonl" else "correct it, or copy the file again"
        raise Problem(f"{path.as_posix()}:{line + error.lineno - 1}: not JSON ({error.msg}, column {error.colno}); "
                      f"{wanted}") from None  # fmt: skip
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits, 100,000 brackets
        raise Problem(f"{path.as_posix()}:{line}: this JSON can't be read ({error}); take it out") from None


def _text_of(item: Any, fields: list[str]) -> str:
    if not isinstance(item, dict):
        raise Problem(f"is {_named(item)}; it should be an object with the text in a field, or a string")
    parts = []
    for name in fields:
        if name not in item:
            there = ", ".join(map(repr, item)) or "no field"
            raise Problem(f"there is no field {name!r} (there is {there}); choose with --field where the text is")
        value = item[name]
        strings = value if isinstance(value, list) else [value]
        if not all(isinstance(string, str) for string in strings):
            raise Problem(f"field {name!r} is {_named(value)}; it should be a string or a list of strings: choose "
                          "another with --field")  # fmt: skip
        parts.append("\n".join(strings))
    return "\n".join(part for part in parts if part)


def _named(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return f"{names.get(type(value), 'a number')} ({json.dumps(value)[:40]})"


def _decoded(path: Path) -> Iterator[str]:
    r"""The file's text in blocks, with \n for every kind of line break, without a byte-order mark."""
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8-sig")(), translate=True)
    line = 1
    for block in _blocks(path):
        if b"\0" in block:
            where = f"{path.as_posix()}:{line + _breaks(block[: block.index(0)])}"
            raise Problem(f"{where}: looks like a binary file, or UTF-16 (it has a NUL byte); save it as UTF-8 text")
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            where = f"{path.as_posix()}:{line + _breaks(error.object[: error.start])}"
            if len(block) - len(block.translate(None, CONTROL)) > len(block) / 50:
                raise Problem(f"{where}: looks like a binary file; save its text as UTF-8") from None
            byte = error.object[error.start]
            raise Problem(f"{where}: not UTF-8 (byte 0x{byte:02x}); save the file as UTF-8") from None
        line += text.count("\n")
        yield text


def _breaks(data: bytes) -> int:
    return len(re.findall(rb"\r\n?|\n", data))


def _blocks(path: Path) -> Iterator[bytes]:
    """The file's bytes, unzipped; the last block is empty."""
    try:
        with _opened(path) as file:
            while block := file.read(BLOCK):
                yield block
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise Problem(f"{path.as_posix()}: not a complete gzip file ({error}); fetch it again") from None
    except OSError as error:
        raise Problem(f"{path.as_posix()}: can't be read ({error.strerror}); see who may read it") from None
    yield b""


def _opened(path: Path) -> IO[bytes]:
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else open(path, "rb")  # type: ignore[return-value]
