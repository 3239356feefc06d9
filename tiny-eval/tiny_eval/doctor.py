"""What is wrong with a prediction file, before anybody believes its score.

Runs that were appended to each other are found without ids, from the questions alone: wherever the sequence of
references starts again like the file itself, a run began (the Z algorithm, Gusfield 1997, finds all such places in one
pass). A file is read once; what is kept of a row is its place and a few digests.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tiny_eval.extraction import is_truncated
from tiny_eval.outcomes import ERROR, TRUNCATED
from tiny_eval.rows import BadRow, Row, read_rows

LONG = 200  # characters from which an output can be expected to end its last sentence
MID_SENTENCE_SHARE = 0.3
SENTENCE_END = re.compile(r"[.!?。！？…\"'”’)）\]}】>`|$]\s*$")
CHANCE = 0.01  # expected number of repetitions by accident, above which one isn't reported
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """`serious`: the score can't be believed as it is; otherwise something to know. `places`: file:line, the first."""

    kind: str
    serious: bool
    message: str
    places: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Report:
    path: str
    rows: int
    findings: list[Finding]

    @property
    def serious(self) -> int:
        return sum(finding.serious for finding in self.findings)


def examine(path: str | Path) -> Report:
    """Read the whole file; a line that cannot be read becomes a finding."""
    bad: list[BadRow] = []
    seen = _Seen()
    for row in read_rows(path, bad.append):
        seen.add(row)
    findings = seen.findings()
    if bad:
        places = [str(problem).partition(": ")[0] for problem in bad]
        findings.insert(
            0, Finding("unreadable", True, f"{_rows(len(bad))} that can't be read, the first: {bad[0]}", places)
        )
    if not seen.count and not bad:
        findings.append(Finding("no rows", True, "the file is empty: the run that wrote it got nowhere"))
    short = [Finding(f.kind, f.serious, f.message, f.places[:SHOWN]) for f in findings]
    return Report(Path(path).as_posix(), seen.count, short)


class _Seen:
    """What the checks need to remember of the rows."""

    def __init__(self) -> None:
        self.count = 0
        self.numbered = True
        self.questions: list[bytes] = []
        self.first_content: dict[bytes, str] = {}
        self.first_by_id: dict[str, tuple[str, bytes, bytes]] = {}
        self.row_places: list[str] = []
        self.copies: list[int] = []  # positions
        self.drifted = ""
        self.places: defaultdict[str, list[str]] = defaultdict(list)
        self.preds: Counter[int] = Counter()
        self.long = 0

    def add(self, row: Row) -> None:
        self.count += 1
        self.numbered = row.numbered
        self.questions.append(row.question)
        self.row_places.append(row.place)
        if row.content in self.first_content:
            self.copies.append(self.count - 1)
        self.first_content.setdefault(row.content, row.place)
        if not row.numbered:
            references = repr(row.answers).encode()
            first = self.first_by_id.setdefault(row.id, (row.place, references, row.content))
            if first[0] != row.place:
                self.places["same id"].append(row.place)
                self.places["other prediction"] += [row.place] if first[2] != row.content else []
                if first[1] != references:
                    self.places["drift"].append(row.place)
                    self.drifted = self.drifted or f"id {row.id}, first at {first[0]}"
        if row.reason:
            self.places[row.reason].append(row.place)
        else:
            self._look_at_text(row)
        if any(not answer.strip() for answer in row.answers):
            self.places["empty reference"].append(row.place)
        if row.all_classes and not any(answer in row.all_classes for answer in row.answers):
            self.places["no such class"].append(row.place)

    def _look_at_text(self, row: Row) -> None:
        self.preds[hash(row.pred)] += 1
        if not row.pred.strip():
            self.places["empty"].append(row.place)
        elif is_truncated(row.pred):
            self.places["unclosed thought"].append(row.place)
        elif len(row.pred) >= LONG:
            self.long += 1
            self.places["mid-sentence"] += [] if SENTENCE_END.search(row.pred) else [row.place]

    def findings(self) -> list[Finding]:
        found: list[Finding] = []

        def report(kind: str, serious: bool, message: str) -> None:
            if places := self.places[kind]:
                found.append(Finding(kind, serious, message.format(rows=_rows(len(places))), places))

        starts = run_starts(self.questions)
        # Copies are said once: those that a second run brought along, together with it.
        first_run = starts[0] if starts else self.count
        self.places["copy"] = [self.row_places[i] for i in self.copies if i < first_run]
        again = sum(i >= first_run for i in self.copies)
        if starts:
            lengths = [b - a for a, b in zip([0, *starts], [*starts, self.count], strict=True)]
            found.append(
                Finding(
                    "concatenated",
                    True,
                    f"{len(lengths)} runs follow each other, of {', '.join(map(str, lengths))} rows: the questions "
                    f"start again at row {', '.join(str(start + 1) for start in starts[:SHOWN])}; "
                    + ("all are partial but the longest; " if len(set(lengths)) > 1 else "")
                    + "score one of them"
                    + (f", or use --dedupe, which drops {_rows(again)} as copies" if again else ""),
                    [self.row_places[start] for start in starts],
                )
            )
        report("copy", True, "{rows}: copies of an earlier row, counted again in the mean; --dedupe drops them")
        report("same id", True, "{rows}: the id of an earlier row; --dedupe keeps the first of each")
        report(
            "other prediction",
            True,
            "{rows}: a repeated id, and not the same content as the first time; which one counts?",
        )
        report(
            "drift",
            True,
            f"{{rows}}: other references than an earlier row of the same id (the first: {_literal(self.drifted)}); "
            "the data changed in between",
        )
        report(ERROR, True, "{rows}: the request failed, nothing was measured; run them again")
        report(TRUNCATED, True, "{rows}: the output was cut off; raise the limit of tokens")
        report("unclosed thought", True, "{rows}: the output ends inside <think>; raise the limit of tokens")
        if self.long and len(self.places["mid-sentence"]) >= max(3, MID_SENTENCE_SHARE * self.long):
            report(
                "mid-sentence",
                False,
                f"{{rows}} of {self.long} with long outputs stop in mid-sentence; was the limit of tokens too low?",
            )
        report("empty", True, "{rows}: an empty output; did the model stop at once, or the server fail?")
        report("empty reference", True, "{rows}: an empty reference")
        report("no such class", True, "{rows}: no reference is among all_classes; the answer can only be wrong")
        if self.count > SHOWN and len(self.preds) == 1 and self.preds.total() == self.count:
            found.append(Finding("constant", True, f"all {self.count} outputs are the same text"))
        if gaps := missing_numbers(list(self.first_by_id)):
            some = ", ".join(map(str, gaps[:SHOWN])) + (", …" if len(gaps) > SHOWN else "")
            found.append(
                Finding("gaps", True, f"the ids count up, but {_numbers(len(gaps))} missing ({some}): a partial run?")
            )
        return found


def run_starts(questions: Sequence[Hashable]) -> list[int]:
    """Positions after the first at which a run began: from there on, the sequence repeats its own beginning.

    The repetition must reach the end, the next start, or all of the first run; and it must be too long for chance: with
    four letters as the only references, two rows in a hundred would often look like the first two.
    """
    n, starts = len(questions), list[int]()
    lengths = common_prefixes(questions)
    alike = sum(count**2 for count in Counter(questions).values()) / max(1, n) ** 2  # of two rows drawn at random
    position = 1
    while position < n:
        matched, first_run = lengths[position], starts[0] if starts else position
        end = position + matched
        reaches = end == n or matched >= first_run or questions[end] == questions[0]
        if reaches and n * alike**matched < CHANCE:
            starts.append(position)
            position += min(matched, starts[0])
        else:
            position += 1
    return starts


def common_prefixes(sequence: Sequence[Hashable]) -> list[int]:
    """For each position, how many items from there on equal the sequence's first ones (the Z array)."""
    n = len(sequence)
    lengths = [0] * n
    left = right = 0  # the stretch that reaches furthest right and is known to equal the beginning
    for i in range(1, n):
        length = min(right - i, lengths[i - left]) if i < right else 0
        while i + length < n and sequence[length] == sequence[i + length]:
            length += 1
        lengths[i] = length
        if i + length > right:
            left, right = i, i + length
    return lengths


def missing_numbers(ids: Sequence[str]) -> list[int]:
    """Numbers left out, where ids count up (7, q-007): only if nine in ten of the range are there."""
    matches = [re.fullmatch(r"(\D*)(\d{1,9})", name) for name in ids]
    if len(ids) < 3 or not all(matches) or len({match[1] for match in matches if match}) != 1:
        return []
    numbers = {int(match[2]) for match in matches if match}
    first, last = min(numbers), max(numbers)
    if len(numbers) < 0.9 * (last - first + 1):
        return []  # ids that don't count: a hash, a sample of a larger set
    return [number for number in range(first, last + 1) if number not in numbers]


def _literal(text: str) -> str:
    """`text` as str.format gives it back: an id may have braces in it."""
    return text.replace("{", "{{").replace("}", "}}")


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _numbers(count: int) -> str:
    return "1 number is" if count == 1 else f"{count} numbers are"
