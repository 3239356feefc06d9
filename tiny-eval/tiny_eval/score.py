"""A prediction file becomes one number, and the number says what it counted.

    score = 100 · mean of the items' scores        each item: the reference that suits it best counts

Row by row, so that a file may be larger than memory: what is kept of a row is its score. Corpus metrics (BLEU, chrF)
add up counts over all rows instead; they have no score per item, hence no standard error.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from tiny_eval import longbench
from tiny_eval.outcomes import TRUNCATED, UNPARSED, Outcome, mean_range
from tiny_eval.problem import EvalProblem
from tiny_eval.rows import Row, prediction_files, read_rows
from tiny_eval.stats.errors import clustered_error, standard_error

# These metrics read letters out of the text themselves. With the chain they use, we see when there were none to read.
USUAL_EXTRACTOR = {"choice": "choice", "gaokao_choice": "gaokao", "numeric": "maths", "latex": "latex"}
GIVEN = "given"  # instead of a metric: the score from 0 to 1 that the row itself carries
BY_TASK = "longbench"  # instead of a metric: what LongBench scores the task with that the file is named after


@dataclass(frozen=True)
class Scoring:
    """How a file is scored. `first_line` None: as usual for the metric; `cluster`: the field that items share."""

    metric: str
    dedupe: bool = False
    first_line: bool | None = None
    extractor: str | None = None
    compat: bool = False
    cluster: str | None = None

    def for_file(self, path: Path) -> "Scoring":
        """The same with what the file's name decides."""
        if self.metric != BY_TASK:
            return replace(self, first_line=self.cuts)
        task = longbench.task_of(path.stem)
        if task is None:
            path.stat()  # a file that isn't there has a worse fault than its name: FileNotFoundError
            raise EvalProblem(f"{path.as_posix()} isn't named after a task of LongBench; say --metric NAME")
        cut = task in longbench.FIRST_LINE if self.first_line is None else self.first_line
        return replace(self, metric=longbench.METRIC[task], first_line=cut)

    @property
    def cuts(self) -> bool:
        """Whether predictions are cut at their first line."""
        from tiny_eval.metrics.specs import SPECS

        usual = self.metric in SPECS and SPECS[self.metric].first_line_default
        return usual if self.first_line is None else self.first_line


@dataclass(frozen=True)
class Item:
    """One row's outcome. `fired` names the extractor that found the answer; `shown` is what was scored."""

    row: Row
    outcome: Outcome
    shown: str
    fired: str | None = None


@dataclass(frozen=True)
class Summary:
    """`score` (0 to 100) is the mean over what was measured; with the rest it would lie from `low` to `high`."""

    path: str
    metric: str
    score: float | None
    n: int
    stderr: float | None
    not_measured: int
    low: float | None
    high: float | None
    reasons: dict[str, int]
    duplicates: int
    deduped: bool
    first_line: bool
    extractor: str | None
    extractors_fired: dict[str, int] = field(default_factory=dict)
    cluster: str | None = None
    clusters: int | None = None
    corpus: bool = False

    def as_json(self) -> dict[str, Any]:
        first = {name: getattr(self, name) for name in ("score", "n", "stderr", "not_measured")}
        return first | asdict(self)


def score_file(
    path: str | Path,
    metric: str,
    dedupe: bool = False,
    first_line: bool | None = None,
    extractor: str | None = None,
    compat: bool = False,
    cluster: str | None = None,
) -> Summary:
    """Score one file; EvalProblem says what is wrong with it, or with the names given."""
    path = Path(path)
    scoring = Scoring(metric, dedupe, first_line, extractor, compat, cluster).for_file(path)
    corpus = corpus_scorer(scoring.metric)
    copies: list[str] = []
    scores: list[float] = []
    groups: list[str] = []
    reasons: Counter[str] = Counter()
    fired: Counter[str] = Counter()
    pairs: list[tuple[str, list[str]]] = []
    missed: list[list[str]] = []
    for item in measure(path, scoring, copies.append):
        fired.update([item.fired] if item.fired else [])
        if item.outcome.score is None:
            reasons[item.outcome.reason] += 1
            missed.extend([item.row.answers] if corpus else [])
            continue
        scores.append(item.outcome.score)
        if cluster:
            groups.append(cluster_of(item.row, cluster))
        if corpus:
            pairs.append((item.shown, item.row.answers))
    n, missing = len(scores) + reasons.total(), reasons.total()
    if not n:
        raise EvalProblem(f"{path.as_posix()} holds no rows; check that the run that wrote it got anywhere")
    found = mean_range(scores, missing)
    values = [None if value is None else 100 * value for value in (found.mean, found.low, found.high)]
    if corpus:  # what is missing as an empty text, and as the reference itself
        worst, best = [("", answers) for answers in missed], [(answers[0], answers) for answers in missed]
        values = [_over(corpus, pairs), _over(corpus, pairs + worst), _over(corpus, pairs + best)]
    return Summary(
        path.as_posix(), scoring.metric, values[0], n, None if corpus else _error(scores, groups),
        missing, values[1], values[2], dict(reasons), len(copies), dedupe, bool(scoring.first_line),
        extractor or USUAL_EXTRACTOR.get(scoring.metric),
        dict(fired), cluster, len(set(groups)) if cluster else None, corpus is not None,
    )  # fmt: skip


def score_folder(path: str | Path, scoring: Scoring) -> list[Summary]:
    """A summary for each prediction file of a folder, by name."""
    return [score_file(file, **asdict(scoring)) for file in prediction_files(path)]


def measure(path: Path, scoring: Scoring, on_copy: Callable[[str], None] | None = None) -> Iterator[Item]:
    """Score the rows one by one; `on_copy` is told where a row repeats another, which dedupe leaves out."""
    score = item_scorer(scoring)
    seen: set[bytes | str] = set()
    for row in read_rows(path):
        key = row.content if row.numbered else row.id
        if key in seen:
            if on_copy:
                on_copy(row.place)
            if scoring.dedupe:
                continue
        seen.add(key)
        yield score(row)


def item_scorer(scoring: Scoring, usual: bool = True) -> Callable[[Row], Item]:
    """The function from a row to its outcome: cut, extract, score. EvalProblem for a name that doesn't exist.

    An output that ends inside its reasoning has no answer yet: it is truncated by whatever metric, not wrong.
    `usual` False: without the extractor that the metric has by default.
    """
    from tiny_eval.extraction import is_truncated
    from tiny_eval.metrics.specs import CORPUS_SCORERS, SCORERS, SPECS

    if scoring.metric == GIVEN:
        return _given
    if scoring.metric not in SCORERS and scoring.metric not in CORPUS_SCORERS:
        raise EvalProblem(
            _unknown("metric", scoring.metric, [*SCORERS, *CORPUS_SCORERS, BY_TASK, GIVEN], "'python main.py metrics'")
        )
    scorer: Callable[..., float] | None = SCORERS.get(scoring.metric)
    chain = scoring.extractor or (USUAL_EXTRACTOR.get(scoring.metric) if usual else None)
    extract = _extractor(chain) if chain else None
    spec = SPECS.get(scoring.metric)
    needs_classes = spec is not None and spec.needs_classes
    options = {"compat": True} if scoring.compat and spec and spec.has_compat else {}
    cut = scoring.cuts

    def score(row: Row) -> Item:
        if row.reason:
            return Item(row, Outcome(None, row.reason), row.pred)
        if is_truncated(row.pred):
            return Item(row, Outcome(None, TRUNCATED), row.pred)
        text, fired = longbench.first_line(row.pred) if cut else row.pred, None
        if extract:
            text, fired, reason = extract(text)
            if reason:
                return Item(row, Outcome(None, reason), text)
        if needs_classes and not row.all_classes:
            raise EvalProblem(f"{row.place}: {scoring.metric} needs the field 'all_classes', a list of class names")
        classes = {"all_classes": row.all_classes} if needs_classes else {}
        try:
            value = scorer(text, row.answers, **classes, **options) if scorer else 0.0
        except ValueError as error:
            raise EvalProblem(f"{row.place}: {scoring.metric} can't score this row: {error}") from error
        return Item(row, Outcome(float(value)), text, fired)

    return score


def _given(row: Row) -> Item:
    """The outcome that the row brings along: from a metric of somebody's own, or from a judge."""
    if row.reason:
        return Item(row, Outcome(None, row.reason), row.pred)
    value = row.fields.get("score")
    if value is None and "score" in row.fields:
        return Item(row, Outcome(None, UNPARSED), row.pred)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= 1:
        raise EvalProblem(f"{row.place}: the field 'score' must be a number from 0 to 1 (got {value!r}); name a metric")
    return Item(row, Outcome(float(value)), row.pred)


def corpus_scorer(metric: str) -> Callable[..., float] | None:
    from tiny_eval.metrics import CORPUS_SCORERS

    found: Callable[..., float] | None = CORPUS_SCORERS.get(metric)
    return found


def cluster_of(row: Row, name: str) -> str:
    """What the row shares with others."""
    if name not in row.fields:
        raise EvalProblem(f"{row.place}: no field {name!r} to cluster by; it has {', '.join(map(repr, row.fields))}")
    return str(row.fields[name])


def _extractor(name: str) -> Callable[[str], tuple[str, str | None, str]]:
    """A function from a text to (answer, extractor that fired, why there is none)."""
    from tiny_eval.extraction import CHAINS, EXTRACTORS, extract

    if name not in CHAINS and name not in EXTRACTORS:
        raise EvalProblem(_unknown("extractor", name, [*CHAINS, *EXTRACTORS], "tiny_eval/extraction.py"))

    def find(text: str) -> tuple[str, str | None, str]:
        found = extract(text, name)
        return (found.value, found.extractor, "") if found else ("", None, UNPARSED)

    return find


def _unknown(kind: str, name: str, names: list[str], where: str) -> str:
    close = get_close_matches(name.lower().replace("-", "_"), names, n=3, cutoff=0.5)
    advice = f"did you mean {' or '.join(close)}?" if close else f"choose one of {', '.join(names[:8])}, …"
    return f"unknown {kind} {name!r}; {advice} ({where} lists them)"


def _error(scores: list[float], groups: list[str]) -> float | None:
    """Standard error of the mean in points; None where it can't be known."""
    if len(scores) < 2 or (groups and len(set(groups)) < 2):
        return None
    return 100 * (clustered_error(scores, groups) if groups else standard_error(scores))


def _over(corpus: Callable[..., float], pairs: list[tuple[str, list[str]]]) -> float | None:
    return corpus([pred for pred, _ in pairs], [answers for _, answers in pairs]) if pairs else None
