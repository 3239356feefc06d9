"""All that a report shows, from the prediction files of a folder: results, verdicts between models, every item."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from tiny_eval.compare import Comparison, compare_files, verdict
from tiny_eval.problem import EvalProblem
from tiny_eval.running.results import Result, items_of, read_results
from tiny_eval.score import corpus_scorer

LONGEST = 3000  # characters of a text on the page
Json = dict[str, Any]


@dataclass(frozen=True)
class Verdict:
    """The best model of a task against each other one."""

    task: str
    better: str
    other: str
    english: str
    chinese: str
    settled: bool


@dataclass(frozen=True)
class Collected:
    folder: Path
    results: list[Result]
    verdicts: list[Verdict]
    items: list[Json]


def collect(folder: Path) -> Collected:
    """EvalProblem if there are no runs in the folder, or one of them can't be scored."""
    results = read_results(folder)
    return Collected(folder, results, list(verdicts(results)), list(items(results)))


def verdicts(results: list[Result]) -> Iterator[Verdict]:
    """Within a task the best against all others, corrected for their number."""
    for task, group in groupby(results, key=lambda one: one.task):
        scored = [one for one in group if one.summary and one.summary.score is not None]
        best, others = scored[:1], scored[1:]
        for other in others:
            try:
                found = compared(best[0], other, len(others))
            except EvalProblem:  # other items, or nothing measured in both: there is no verdict
                continue
            yield Verdict(task, best[0].model, other.model, verdict(found), verdict(found, "zh"), found.settled)


def compared(best: Result, other: Result, comparisons: int) -> Comparison:
    scoring = best.scoring
    if corpus_scorer(scoring.metric):
        scoring = replace(scoring, metric=f"{scoring.metric}_sentence")
    return compare_files(best.path, other.path, scoring, comparisons=comparisons)


def items(results: list[Result]) -> Iterator[Json]:
    """One for each item of a task, with what each model said and why it got its score."""
    for task, group in groupby(results, key=lambda one: one.task):
        found: dict[str, Json] = {}
        for one in group:
            if one.summary is None:
                continue
            for item in items_of(one):
                row = item.row
                shown = found.setdefault(row.id, {
                    "task": task, "id": row.id, "prompt": cut(str(row.fields.get("prompt") or row.fields.get("input"))),
                    "answers": [cut(answer, 400) for answer in row.answers[:10]], "said": [],
                })  # fmt: skip
                said: Json = {"model": one.model, "pred": cut(row.pred), "score": item.outcome.score}
                if item.outcome.reason:
                    said["reason"] = item.outcome.reason
                    if row.fields.get("error"):
                        said["error"] = cut(str(row.fields["error"]), 400)
                if item.fired:
                    said["fired"] = item.fired
                if item.shown != row.pred:
                    said["shown"] = cut(item.shown, 400)
                if row.fields.get("program"):
                    said["program"] = cut(str(row.fields["program"]))
                shown["said"].append(said)
        yield from found.values()


def cut(text: str, longest: int = LONGEST) -> str:
    """The beginning and the end of a text that is too long for a page."""
    if len(text) <= longest:
        return text
    return f"{text[: longest * 2 // 3]}\n… {len(text) - longest:,} …\n{text[-longest // 3 :]}"
