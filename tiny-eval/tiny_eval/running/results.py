"""What a folder of runs comes to: for each task and model a score with its error, and what it cost.

Everything is computed from the prediction files anew, so a mended metric mends the report.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tiny_eval.metrics.pass_at_k import pass_at_k
from tiny_eval.metrics.perplexity import bits_per_byte, perplexity
from tiny_eval.problem import EvalProblem
from tiny_eval.rows import read_rows
from tiny_eval.score import Item, Scoring, Summary, corpus_scorer, item_scorer, score_file


@dataclass(frozen=True)
class Result:
    """`summary` is None for perplexity, which has no items; `more` has what the task's kind adds."""

    task: str
    model: str
    path: Path
    about: dict[str, Any]
    summary: Summary | None
    more: dict[str, float] = field(default_factory=dict)

    @property
    def scoring(self) -> Scoring:
        a = self.about
        return Scoring(a["metric"], first_line=a.get("first_line"), extractor=a.get("extractor"),
                       cluster=a.get("cluster"))  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        s = self.summary
        scores = {} if s is None else {"score": s.score, "stderr": s.stderr, "n": s.n, "not_measured": s.not_measured,
                                       "reasons": s.reasons, "low": s.low, "high": s.high}  # fmt: skip
        costs = {name: self.about.get(name) for name in ("requests", "failed", "tokens", "cost", "seconds", "date")}
        metric = self.about.get("metric_name", self.about["metric"])
        return {"task": self.task, "model": self.model, "metric": metric, **scores, **self.more, **costs}


def read_results(folder: Path) -> list[Result]:
    """By task, the best first. EvalProblem if there are no runs in the folder."""
    folder.stat()
    found = []
    for described in sorted(folder.glob("*/*.run.json")):
        found.append(read_result(described))
    if not found:
        raise EvalProblem(f"{folder.as_posix()} holds no runs; make some with 'python main.py run --out "
                          f"{folder.as_posix()} ...'")  # fmt: skip
    return sorted(found, key=lambda one: (one.task, -(one.summary.score or 0) if one.summary else 0, one.model))


def read_result(described: Path) -> Result:
    path = described.with_name(described.name.removesuffix(".run.json") + ".jsonl")
    try:
        about = json.loads(described.read_text(encoding="utf-8"))
        task, model = about["task"], about["model"]
    except (ValueError, KeyError, TypeError):
        raise EvalProblem(f"{described.as_posix()}: not what a run writes; delete it and run again") from None
    if about.get("kind") == "perplexity":
        return Result(task, model, path, about, None, text_measures(path))
    result = Result(task, model, path, about, None)
    scoring = result.scoring
    summary = score_file(path, scoring.metric, first_line=scoring.first_line, extractor=scoring.extractor,
                         cluster=scoring.cluster)  # fmt: skip
    more = passes(path) if about.get("kind") == "code" else {}
    return Result(task, model, path, about, summary, more)


def items_of(result: Result) -> list[Item]:
    """Every row with its outcome; a corpus metric has none for a row, there the outcome is of its sentence form."""
    scoring = result.scoring
    if corpus_scorer(scoring.metric):
        scoring = Scoring(f"{scoring.metric}_sentence", first_line=scoring.first_line, extractor=scoring.extractor)
    score = item_scorer(scoring)
    return [score(row) for row in read_rows(result.path)]


def passes(path: Path) -> dict[str, float]:
    """pass@k over the repetitions of each item, in percent (Chen et al. 2021, the unbiased estimate)."""
    tried: dict[str, list[bool]] = defaultdict(list)
    for row in read_rows(path):
        if not row.reason:
            tried[str(row.fields.get("item", row.id))].append(row.pred == "passed")
    fewest = min(map(len, tried.values()), default=0)
    return {f"pass@{k}": 100 * sum(pass_at_k(len(own), sum(own), k) for own in tried.values()) / len(tried)
            for k in (1, 5, 10) if 1 <= k <= fewest}  # fmt: skip


def text_measures(path: Path) -> dict[str, float]:
    """Perplexity of all texts together, and bits per byte, which don't depend on the tokenizer."""
    logprobs: list[float] = []
    texts = []
    missing = 0
    for row in read_rows(path):
        if row.reason:
            missing += 1
            continue
        logprobs += row.fields["logprobs"]
        texts.append(str(row.fields.get("input", "")))
    if not logprobs:
        return {"not_measured": missing}
    return {"perplexity": perplexity(logprobs), "bits_per_byte": bits_per_byte(logprobs, "".join(texts)),
            "scored_tokens": len(logprobs), "not_measured": missing}  # fmt: skip
