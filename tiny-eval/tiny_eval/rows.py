"""Prediction files: JSON Lines (or one JSON array) of `{"id", "pred", "answers", ...}`, read one row at a time.

LongBench's files (github.com/THUDM/LongBench, `pred/*.jsonl`) are taken as they are: they have no ids, so the number of
the row, from 1, is its id. Every complaint starts with `file:line`. A row that says it failed (`"error"`) or was cut
off (`"truncated": true`, `"finish_reason": "length"`) is kept and says why it cannot be measured.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tiny_eval.outcomes import ERROR, TRUNCATED
from tiny_eval.problem import EvalProblem

SIMILAR = ("prediction", "output", "response", "completion", "answer", "target", "reference", "references", "label")


class BadRow(EvalProblem):
    """A row that cannot be read; the message starts with `file:line`."""


@dataclass(frozen=True, slots=True)
class Row:
    """One prediction. `place` is file:line; `reason` is empty unless the row itself says that nothing was measured."""

    id: str
    pred: str
    answers: list[str]
    all_classes: list[str] | None
    reason: str
    place: str
    fields: dict[str, Any]

    @property
    def numbered(self) -> bool:
        """Whether the id is only the row's number."""
        return "id" not in self.fields and "_id" not in self.fields

    @property
    def content(self) -> bytes:
        """16 bytes that are equal for rows with equal fields: what identifies a copy without keeping the row."""
        return _digest(self.fields)

    @property
    def question(self) -> bytes:
        """16 bytes that stand for the item without its prediction: references, classes, length, and its id if any."""
        return _digest({name: self.fields.get(name) for name in ("id", "_id", "answers", "all_classes", "length")})


def read_rows(path: str | Path, on_bad: Callable[[BadRow], None] | None = None) -> Iterator[Row]:
    """Yield the rows of one file; `on_bad` is told of a row that cannot be read, otherwise it raises BadRow."""
    with_ids: bool | None = None
    number = 0
    for place, value in _objects(Path(path), on_bad):
        number += 1
        try:
            row = _row(value, number, place)
            has_id = not row.numbered
            if with_ids not in (None, has_id):
                raise BadRow(f"{place}: {'an' if has_id else 'no'} id, unlike the rows above; give each an id or none")
        except BadRow as problem:
            if on_bad is None:
                raise
            on_bad(problem)
            continue
        with_ids = has_id
        yield row


def read_objects(path: str | Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each object of a JSONL file (or of one JSON array) with its place, file:line; BadRow for anything else."""
    for place, value in _objects(Path(path), None):
        if not isinstance(value, dict):
            raise BadRow(f"{place}: {json.dumps(value)[:40]} is not an object; write one {{...}} a line")
        yield place, value


def prediction_files(folder: str | Path) -> list[Path]:
    """The prediction files of a folder, by name: *.jsonl, and each *.json that starts as an array."""
    found = [path for path in Path(folder).iterdir() if path.is_file() and not path.name.startswith(".")]
    files = sorted(path for path in found if path.suffix == ".jsonl" or (path.suffix == ".json" and _is_array(path)))
    if not files:
        raise EvalProblem(f"{Path(folder).as_posix()} holds no .jsonl file; name the folder of the predictions")
    return files


def _row(value: object, number: int, place: str) -> Row:
    if not isinstance(value, dict):
        raise BadRow(f"{place}: {json.dumps(value)[:40]} is not an object; write one {{...}} a line")
    failed = bool(value.get("error")) or ("pred" in value and value["pred"] is None)
    if ("pred" not in value and not failed) or "answers" not in value:
        missing = "answers" if "pred" in value or failed else "pred"
        others = [name for name in SIMILAR if name in value]
        hint = f"rename {others[0]!r}" if others else f"it has {', '.join(map(repr, value)) or 'none'}"
        raise BadRow(f"{place}: the field {missing!r} is missing; {hint}")
    pred, answers, classes = value.get("pred"), value["answers"], value.get("all_classes")
    if pred is not None and not isinstance(pred, str):
        raise BadRow(f"{place}: 'pred' is {json.dumps(pred)[:40]}; it must be text")
    if isinstance(answers, str):
        answers = [answers]
    if not _is_texts(answers) or not answers:
        raise BadRow(f"{place}: 'answers' is {json.dumps(answers)[:40]}; it must be text, or a list with some")
    if classes is not None and not _is_texts(classes):
        raise BadRow(f"{place}: 'all_classes' is {json.dumps(classes)[:40]}; it must be a list of texts, or null")
    cut = value.get("truncated") is True or value.get("finish_reason") == "length"
    reason = ERROR if failed else TRUNCATED if cut else ""
    given = value.get("id", value.get("_id", number))
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise BadRow(f"{place}: the id is {json.dumps(given)[:40]}; it must be text or a whole number")
    return Row(str(given), pred or "", answers, classes, reason, place, value)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _objects(path: Path, on_bad: Callable[[BadRow], None] | None) -> Iterator[tuple[str, object]]:
    """Each JSON value with its place."""
    if _is_array(path):
        yield from _array(path)
        return
    with open(path, "rb") as file:  # split at b"\n" alone: U+2028 may stand inside a JSON string
        for number, raw in enumerate(file, start=1):
            place = f"{path.as_posix()}:{number}"
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
                if line:
                    yield place, json.loads(line)
            except (ValueError, RecursionError) as error:
                problem = BadRow(f"{place}: {_unreadable(error)}")
                if on_bad is None:
                    raise problem from None
                on_bad(problem)


def _array(path: Path) -> Iterator[tuple[str, object]]:
    """The items of an array with their places: file:line, and the column if an item before is on the same line."""
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
        json.loads(text)  # from here on, the text is known to be a whole array
    except (ValueError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        line += raw.count(b"\n", 0, error.start) if isinstance(error, UnicodeDecodeError) else 0
        raise BadRow(f"{path.as_posix()}:{line}: {_unreadable(error)}") from None
    decoder, end, line, last = json.JSONDecoder(), text.index("[") + 1, 1 + text.count("\n", 0, text.index("[")), 0
    while (start := _after_blanks(text, end)) < len(text) and text[start] != "]":
        line += text.count("\n", end, start)
        value, end = decoder.raw_decode(text, start)
        column = start - text.rfind("\n", 0, start)
        yield f"{path.as_posix()}:{line}" + (f":{column}" if line == last else ""), value
        last = line
        line += text.count("\n", start, end)


def _after_blanks(text: str, start: int) -> int:
    """The next place that is neither blank nor the comma between two items."""
    while start < len(text) and text[start] in " \t\r\n,":
        start += 1
    return start


def _unreadable(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 (byte 0x{error.object[error.start]:02x}); save the file as UTF-8"
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON ({error.msg} at column {error.colno}); write one object a line, or delete the line"
    return f"unreadable JSON ({error}); write one object a line"


def _is_array(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(256).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"["


def _digest(fields: dict[str, Any]) -> bytes:
    text = json.dumps(fields, sort_keys=True)
    return hashlib.blake2b(text.encode("utf-8"), digest_size=16).digest()
