"""Does a published score come out of these predictions, and if not, what was done differently?

LongBench's `result.json` is {"task": score}, the score rounded to two digits. If ours differs, the usual suspects are
tried one with another: duplicated rows left in or taken out, the first line only or the whole text, the reference's own
faults (`compat`). The first combination that gives the published number is named.
"""

import json
import re
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from tiny_eval import longbench
from tiny_eval.problem import EvalProblem
from tiny_eval.score import BY_TASK, Scoring, score_file

DIGITS = 2  # of the scores in LongBench's result.json


@dataclass(frozen=True, slots=True)
class Claim:
    """`ours` is the score as asked for; `given_by` names the way of scoring that gives the claimed number, if any."""

    claimed: float
    ours: float
    holds: bool
    given_by: str | None
    tried: dict[str, float]


def is_claim(path: str | Path) -> bool:
    """Whether the file is itself a claim, one JSON object of task and score, where predictions were expected."""
    path = Path(path)
    if path.suffix != ".json":
        return False
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError):
        return False  # whatever it is, whoever reads its rows will say so
    return isinstance(value, dict) and bool(value) and all(isinstance(score, int | float) for score in value.values())


def read_claim(claimed: str, path: Path) -> tuple[float, int]:
    """The number claimed for this file and its digits; `claimed` is a number, or a JSON file with one or with tasks."""
    if re.fullmatch(r"\d+(\.\d+)?", claimed):
        return float(claimed), len(claimed.partition(".")[2])
    source = Path(claimed)
    try:
        value = json.loads(source.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise EvalProblem(f'{source.as_posix()}: not JSON ({error}); write {{"task": score}} or a number') from None
    if isinstance(value, dict):
        task = path.stem if path.stem in value else longbench.task_of(path.stem)
        if task not in value:
            names = ", ".join(map(str, value)) or "nothing"
            raise EvalProblem(f"{source.as_posix()} claims no score for {path.stem!r}; it has {names}")
        value = value[task]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise EvalProblem(f"{source.as_posix()}: {json.dumps(value)[:40]} is not a score; write a number from 0 to 100")
    written = len(str(value).partition(".")[2]) if isinstance(value, float) else 0
    return float(value), max(DIGITS, written)


def check_claim(path: str | Path, claimed: str, scoring: Scoring) -> Claim:
    """Score the file as asked, then in every other way, until the claimed number comes out."""
    path = Path(path)
    number, digits = read_claim(claimed, path)
    if scoring.metric == BY_TASK and longbench.task_of(path.stem) is None:
        raise EvalProblem(f"{path.as_posix()} isn't named after a task of LongBench; a claim needs --metric NAME")
    scoring = scoring.for_file(path)
    tolerance = 0.5 * 10**-digits + 1e-9
    tried: dict[str, float] = {}
    ours = _score(path, scoring)
    holds = abs(ours - number) <= tolerance
    given_by = None
    for dedupe, first_line, compat in [] if holds else product((False, True), repeat=3):
        way = Scoring(scoring.metric, dedupe, first_line, scoring.extractor, compat)
        name = ", ".join(
            ["duplicates dropped" if dedupe else "duplicates kept", "first line only" if first_line else "whole text"]
            + (["the reference's faults"] if compat else [])
        )
        tried[name] = _score(path, way)
        if abs(tried[name] - number) <= tolerance:
            given_by = name
            break
    return Claim(number, ours, holds, given_by, tried)


def _score(path: Path, scoring: Scoring) -> float:
    """What a mean over all rows gives: published scores count what failed as 0."""
    found = score_file(
        path, scoring.metric, scoring.dedupe, scoring.first_line, scoring.extractor, scoring.compat
    ).low  # fmt: skip
    return found or 0.0
