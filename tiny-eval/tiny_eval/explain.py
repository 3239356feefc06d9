"""How the score of one row came about: which reference won, which tokens met, and what both ROUGE dialects count.

A token is marked if the metric counts it as common. Each metric looks its own way: F1 and ROUGE-1 at bags of words,
ROUGE-2 at neighbours, ROUGE-L at one order; pip's `rouge` at sets. Metrics that don't compare words at all (a letter, a
number, a line of code) get the marks of a bag of words for orientation, and no precision.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from tiny_eval.metrics import lcs, rouge_google, rouge_pip, words_en, words_zh
from tiny_eval.metrics.overlap import Overlap
from tiny_eval.metrics.qa_f1 import f1
from tiny_eval.problem import EvalProblem
from tiny_eval.rows import Row, read_rows
from tiny_eval.score import Scoring, corpus_scorer, item_scorer

ROUGE = re.compile(r"rouge_(?P<kind>1|2|l|lsum)(?P<zh>_zh)?_(?P<dialect>google|pip)(?P<stem>_stem)?")
KEY_IN_PARTS = {"gaokao_choice"}  # several answers are one key here, not alternatives
Marks = list[bool]
T = TypeVar("T")


@dataclass(frozen=True)
class Explanation:
    """`score` in points. `tokens_pred` and `tokens_ref`: each token, and whether it counts as common; `aligned`: pairs
    of positions in them that stand side by side."""

    id: str
    place: str
    metric: str
    score: float | None
    reason: str
    pred: str
    scored_text: str
    fired: str | None
    references: list[tuple[str, float]]
    won: int
    tokens_pred: list[tuple[str, bool]]
    tokens_ref: list[tuple[str, bool]]
    aligned: list[tuple[int, int]]
    overlap: Overlap | None
    dialects: dict[str, Overlap]

    @property
    def common(self) -> int:
        return sum(marked for _, marked in self.tokens_pred)


def explain(path: str | Path, row_id: str, scoring: Scoring) -> Explanation:
    """EvalProblem if no row has this id."""
    path = Path(path)
    row = find_row(path, row_id)
    scoring = scoring.for_file(path)
    score = item_scorer(scoring)
    if corpus_scorer(scoring.metric) and scoring.metric not in _row_metrics():
        raise EvalProblem(f"{scoring.metric} has no score for a single row; explain it by {scoring.metric}_sentence")
    item = score(row)
    answers = ["".join(row.answers)] if scoring.metric in KEY_IN_PARTS else row.answers
    alone = [score(_with_answers(row, [answer])).outcome.score or 0.0 for answer in answers]
    won = alone.index(max(alone))
    view = _view(scoring.metric, item.shown + answers[won])
    ours, theirs = view.tokens(item.shown), view.tokens(answers[won])
    marks = view.marks(ours, theirs)
    value = item.outcome.score
    return Explanation(
        row.id, row.place, scoring.metric, None if value is None else 100 * value, item.outcome.reason, row.pred,
        item.shown, item.fired, [(answer, 100 * points) for answer, points in zip(answers, alone, strict=True)], won,
        list(zip(ours, marks[0], strict=True)), list(zip(theirs, marks[1], strict=True)),
        lcs.lcs_positions(ours, theirs), view.overlap(item.shown, answers[won]) if view.overlap else None,
        dialects(item.shown, answers[won], view.chinese) if ROUGE.fullmatch(scoring.metric) else {},
    )  # fmt: skip


def find_row(path: Path, row_id: str) -> Row:
    ids: list[str] = []
    for row in read_rows(path):
        if row.id == row_id:
            return row
        ids.append(row.id)
    close = get_close_matches(row_id, ids[:10_000], n=3)
    advice = f"did you mean {' or '.join(close)}?" if close else f"they run from {ids[0]} to {ids[-1]}" if ids else ""
    raise EvalProblem(f"no row of {path.as_posix()} has the id {row_id!r}; {advice or 'the file is empty'}")


def dialects(pred: str, answer: str, chinese: bool) -> dict[str, Overlap]:
    """ROUGE-1, -2 and -L of one pair as google's package and as pip's count them."""
    cut = rouge_google.tokens_zh if chinese else rouge_google.tokens
    ours, theirs = cut(pred), cut(answer)
    found = {f"rouge-{n} google": rouge_google.rouge_n(ours, theirs, n) for n in (1, 2)}
    found["rouge-l google"] = rouge_google.rouge_l(ours, theirs)
    space = rouge_pip.spaced if chinese else str
    said, wanted = rouge_pip.sentences(space(pred)), rouge_pip.sentences(space(answer))
    found |= {f"rouge-{n} pip": rouge_pip.rouge_n(said, wanted, n) for n in (1, 2)}
    found["rouge-l pip"] = rouge_pip.rouge_l(said, wanted)
    return found


# ---- how a metric looks at two texts -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _View:
    tokens: Callable[[str], list[str]]
    marks: Callable[[Sequence[str], Sequence[str]], tuple[Marks, Marks]]
    overlap: Callable[[str, str], Overlap] | None
    chinese: bool


def _view(metric: str, text: str) -> _View:
    """`text` decides the language where the metric has none of its own."""
    named = ROUGE.fullmatch(metric)
    if named:
        chinese = named["zh"] is not None
        kind = named["kind"]
        how = {"1": in_bags, "2": in_pairs, "l": in_order, "lsum": in_bags}[kind]
        if named["dialect"] == "pip":
            space = rouge_pip.spaced if chinese else str
            how = {"1": in_sets, "2": in_pairs, "l": in_order_as_sets}[kind]
            return _View(
                lambda text: [word for sentence in rouge_pip.sentences(space(text)) for word in sentence],
                how,
                lambda pred, answer: dialects(pred, answer, chinese)[f"rouge-{kind} pip"],
                chinese,
            )
        cut = rouge_google.tokens_zh if chinese else rouge_google.stems if named["stem"] else rouge_google.tokens
        return _View(cut, how, lambda pred, answer: _google(kind, cut, pred, answer), chinese)
    chinese = metric.endswith("_zh") or re.search(r"[\u4e00-\u9fff]", text) is not None
    if metric in ("qa_f1", "exact_match"):
        chinese = False
    words = words_zh.words if chinese else words_en.words
    counted = metric in ("qa_f1", "qa_f1_zh")
    return _View(words, in_bags, (lambda pred, answer: f1(words(pred), words(answer))) if counted else None, chinese)


def _google(kind: str, cut: Callable[[str], list[str]], pred: str, answer: str) -> Overlap:
    if kind == "lsum":
        return rouge_google.rouge_lsum(rouge_google.lines(pred, cut), rouge_google.lines(answer, cut))
    if kind == "l":
        return rouge_google.rouge_l(cut(pred), cut(answer))
    return rouge_google.rouge_n(cut(pred), cut(answer), int(kind))


def in_bags(ours: Sequence[str], theirs: Sequence[str]) -> tuple[Marks, Marks]:
    """A token counts as often as both texts have it."""
    common = Counter(ours) & Counter(theirs)
    return _first(ours, common), _first(theirs, common)


def in_sets(ours: Sequence[str], theirs: Sequence[str]) -> tuple[Marks, Marks]:
    """A token counts wherever it stands, if the other text has it at all."""
    common = set(ours) & set(theirs)
    return [token in common for token in ours], [token in common for token in theirs]


def in_order(ours: Sequence[str], theirs: Sequence[str]) -> tuple[Marks, Marks]:
    """The tokens of one longest common subsequence."""
    pairs = lcs.lcs_positions(ours, theirs)
    here, there = {i for i, _ in pairs}, {j for _, j in pairs}
    return [i in here for i in range(len(ours))], [j in there for j in range(len(theirs))]


def in_order_as_sets(ours: Sequence[str], theirs: Sequence[str]) -> tuple[Marks, Marks]:
    """Every occurrence of a token that lies in the longest common subsequence."""
    common = {ours[i] for i, _ in lcs.lcs_positions(ours, theirs)}
    return [token in common for token in ours], [token in common for token in theirs]


def in_pairs(ours: Sequence[str], theirs: Sequence[str]) -> tuple[Marks, Marks]:
    """Both tokens of each pair of neighbours that the other text has too."""
    ours_paired, theirs_paired = list(pairwise(ours)), list(pairwise(theirs))
    common = Counter(ours_paired) & Counter(theirs_paired)
    return _either(_first(ours_paired, common), len(ours)), _either(_first(theirs_paired, common), len(theirs))


def _either(pairs: Marks, length: int) -> Marks:
    """A token is marked if the pair that it begins or the one that it ends is."""
    return [a or b for a, b in zip([*pairs, False], [False, *pairs], strict=True)][:length]


def _first(tokens: Sequence[T], common: Counter[T]) -> Marks:
    """The first occurrences of each token, as many as are common."""
    left = Counter(common)
    marks = []
    for token in tokens:
        marks.append(left[token] > 0)
        left[token] -= 1
    return marks


def _row_metrics() -> dict[str, Callable[..., float]]:
    from tiny_eval.metrics import SCORERS

    return SCORERS


def _with_answers(row: Row, answers: list[str]) -> Row:
    return Row(row.id, row.pred, answers, row.all_classes, row.reason, row.place, row.fields)
