"""Two prediction files for the same items: which is better, by how much, and is that more than chance?

The verdict says "better" only if two judges agree: the interval of the paired difference excludes 0, and the
permutation test's p is below 5 %, both after correction for the number of comparisons. The interval leans on a formula
that is only nearly true for few items; the test does not. (Dror et al. 2018, aclanthology.org/P18-1128, on such tests.)
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tiny_eval.problem import EvalProblem
from tiny_eval.rows import prediction_files
from tiny_eval.score import Item, Scoring, cluster_of, measure
from tiny_eval.stats import Paired, holm, items_needed, paired

ALPHA = 0.05


@dataclass(frozen=True)
class Comparison:
    """All scores in points (0 to 100). `worst` to `best`: the difference, had what wasn't measured come out so."""

    a: str
    b: str
    metric: str
    paired: Paired
    not_measured: int
    worst: float
    best: float
    left_out: int
    comparisons: int
    p_corrected: float
    items_for_one_point: int | None

    @property
    def settled(self) -> bool:
        return self.p_corrected < ALPHA and not self.paired.low <= 0 <= self.paired.high

    @property
    def fragile(self) -> bool:
        """Whether the items that weren't measured could turn a verdict around."""
        return self.settled and self.worst <= 0 <= self.best

    def as_json(self, language: str = "en") -> dict[str, Any]:
        named = {name: value for name, value in asdict(self).items() if name != "paired"}
        return named | asdict(self.paired) | {"settled": self.settled, "verdict": verdict(self, language)}


def compare_files(
    a: str | Path,
    b: str | Path,
    scoring: Scoring,
    intersect: bool = False,
    comparisons: int = 1,
    seed: int = 0,
) -> Comparison:
    """Compare item by item; EvalProblem if the files don't hold the same items (`intersect`: take those of both)."""
    a, b = Path(a), Path(b)
    scoring = scoring.for_file(a)
    of_a, of_b = _by_id(a, scoring), _by_id(b, scoring)
    common = [name for name in of_a if name in of_b]
    left_out = len(of_a) + len(of_b) - 2 * len(common)
    if left_out and not intersect:
        only_a, only_b = [n for n in of_a if n not in of_b], [n for n in of_b if n not in of_a]
        examples = [f"{len(only)} only in {p.as_posix()} ({', '.join(only[:3])}{', …' if len(only) > 3 else ''})"
                    for only, p in ((only_a, a), (only_b, b)) if only]  # fmt: skip
        advice = "--intersect compares the common ones" if common else "are these runs over the same data?"
        raise EvalProblem(f"ids don't match: {len(common)} in both, {'; '.join(examples)}; {advice}")
    pairs = [(of_a[name], of_b[name]) for name in common]
    for ours, theirs in pairs:
        if ours.references != theirs.references:
            raise EvalProblem(
                f"{ours.place} and {theirs.place} have the id {ours.id!r} but other references; "
                "compare runs over the same data, in the same order if the rows have no ids"
            )
    both = [(x.score, y.score, x.cluster) for x, y in pairs if x.score is not None and y.score is not None]
    clusters = [cluster for _, _, cluster in both] if scoring.cluster else None
    if len(both) < 2 or (clusters and len(set(clusters)) < 2):
        what = f"{len(both)} items are measured in both files" if len(both) < 2 else f"one {scoring.cluster} in all"
        raise EvalProblem(f"{what}: nothing to compare; two or more are needed")
    level = 1 - ALPHA / comparisons
    found = paired([x for x, _, _ in both], [y for _, y, _ in both], clusters, level, seed).scaled(100)
    worst, best = _bounds(pairs)
    return Comparison(
        a.as_posix(), b.as_posix(), scoring.metric, found, len(pairs) - len(both), worst, best, left_out, comparisons,
        min(1.0, found.p_permutation * comparisons),
        items_needed(found.n, found.stderr, 1.0) if found.stderr else None,
    )  # fmt: skip


def compare_folders(a: str | Path, b: str | Path, scoring: Scoring, intersect: bool, seed: int) -> list[Comparison]:
    """One comparison for each file name; their p-values are corrected together, by Holm's method."""
    theirs = {path.name: path for path in prediction_files(b)}
    ours = [path for path in prediction_files(a) if path.name in theirs]
    if not ours:
        raise EvalProblem(f"{Path(a).as_posix()} and {Path(b).as_posix()} have no file name in common; name two files")
    found = [compare_files(path, theirs[path.name], scoring, intersect, len(ours), seed) for path in ours]
    corrected = holm([comparison.paired.p_permutation for comparison in found])
    return [replace(comparison, p_corrected=p) for comparison, p in zip(found, corrected, strict=True)]


@dataclass(frozen=True, slots=True)
class _Scored:
    """What a comparison keeps of an item."""

    id: str
    place: str
    score: float | None
    references: tuple[str, ...]
    cluster: str


def _by_id(path: Path, scoring: Scoring) -> dict[str, _Scored]:
    found: dict[str, _Scored] = {}
    for item in _items(path, scoring):
        if item.row.id in found:
            first = found[item.row.id].place
            raise EvalProblem(
                f"{item.row.place}: the id {item.row.id!r} was at {first} already; --dedupe keeps the first"
            )
        cluster = cluster_of(item.row, scoring.cluster) if scoring.cluster else ""
        references = tuple(item.row.answers)
        found[item.row.id] = _Scored(item.row.id, item.row.place, item.outcome.score, references, cluster)
    return found


def _items(path: Path, scoring: Scoring) -> Iterator[Item]:
    from tiny_eval.metrics import SCORERS
    from tiny_eval.score import corpus_scorer

    if scoring.metric not in SCORERS and corpus_scorer(scoring.metric):
        raise EvalProblem(f"{scoring.metric} has no score for a single item; compare by {scoring.metric}_sentence")
    return measure(path, scoring)


def _bounds(pairs: list[tuple[_Scored, _Scored]]) -> tuple[float, float]:
    """The smallest and the largest mean difference in points, with 0 or 1 for each score that is missing."""
    low = high = 0.0
    for ours, theirs in pairs:
        low += (0 if ours.score is None else ours.score) - (1 if theirs.score is None else theirs.score)
        high += (1 if ours.score is None else ours.score) - (0 if theirs.score is None else theirs.score)
    return 100 * low / len(pairs), 100 * high / len(pairs)


def verdict(found: Comparison, language: str = "en") -> str:
    """The result in one plain sentence."""
    p, chinese = found.paired, language == "zh"
    a, b = _short_names(found.a, found.b)
    better, worse = (a, b) if p.difference > 0 else (b, a)
    points = f"{abs(p.difference):.1f}"
    ends = sorted((p.low, p.high) if p.difference > 0 else (-p.high, -p.low))
    interval = f"{ends[0]:.1f} 到 {ends[1]:.1f}" if chinese else f"{ends[0]:.1f} to {ends[1]:.1f}"
    percent = f"{100 * p.level:.4g}"
    if p.difference == 0 and p.stderr == 0:
        return (
            f"{a} 与 {b} 在全部 {p.n} 道题上得分完全相同。" if chinese
            else f"{a} and {b} score the same on each of the {p.n} items."
        )  # fmt: skip
    if found.settled:
        turned = ""
        if found.fragile:
            turned = (
                f"；但有 {found.not_measured} 道题未测到，可能推翻这一结论" if chinese
                else f"; but {found.not_measured} items were not measured and could overturn this"
            )  # fmt: skip
        return (
            f"{better} 比 {worse} 高 {points} 分（{percent}% 区间 {interval}），超出了偶然能解释的范围{turned}。"
            if chinese
            else f"{better} is better than {worse} by {points} points ({percent} % interval {interval}), "
            f"more than chance explains{turned}."
        )
    needed = p.items_needed
    more = ""
    if needed and needed > p.n:
        more = (
            f"；若差距真有这么大，大约需要 {_rounded(needed):,} 道题才能分出高下" if chinese
            else f"; if it is really that large, about {_rounded(needed):,} items would settle it"
        )  # fmt: skip
    return (
        f"这 {p.n} 道题分不出 {a} 与 {b} 的高下：{points} 分的差距（{better} 较高，{percent}% 区间 {interval}）"
        f"可能只是偶然{more}。"
        if chinese
        else f"These {p.n} items can't tell {a} and {b} apart: {points} points in favour of {better} "
        f"({percent} % interval {interval}) may be chance{more}."
    )


def _short_names(a: str, b: str) -> tuple[str, str]:
    """The files' names; with as much of the path as tells them apart."""
    first, second = Path(a).with_suffix("").parts, Path(b).with_suffix("").parts
    for length in range(1, max(len(first), len(second)) + 1):
        if first[-length:] != second[-length:]:
            return "/".join(first[-length:]), "/".join(second[-length:])
    return a, b


def _rounded(items: int) -> int:
    """To two digits: the error of the estimate is larger than the third."""
    step = 10 ** max(0, len(str(items)) - 2)
    return -(-items // step) * step
