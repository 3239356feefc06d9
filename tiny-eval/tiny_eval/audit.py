"""How much of a score is the extractor's doing: the unparsed rate, and how the score moves when another one reads.

The same predictions, the same references, the same metric; only the rule changes that finds the answer in the text. If
the score moves by more than its error, the comparison of two models measures their formatting. (Molfese et al. 2025,
arXiv:2503.14996, found this for choice questions.)
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tiny_eval.outcomes import UNPARSED, mean_range
from tiny_eval.problem import EvalProblem
from tiny_eval.rows import read_rows
from tiny_eval.score import Scoring, item_scorer

AS_IT_IS = "(as it is)"
# The chain whose extractors look for what the metric compares; one for letters tells nothing about a sentence.
FITTING = {"choice": "choice", "gaokao_choice": "gaokao", "numeric": "maths", "latex": "maths"}


@dataclass(frozen=True)
class Reading:
    """What one extractor makes of the file. Scores are 0 to 100: over what was parsed, and with the rest 0 or 1."""

    extractor: str
    score: float | None
    low: float
    high: float
    unparsed: int
    unparsed_rate: float
    not_measured: int
    fired: dict[str, int]


@dataclass(frozen=True)
class Audit:
    """`spread`: the largest score less the smallest, where what wasn't parsed counts as wrong.

    An extractor that found nothing at all (`score` is None) says nothing about the score; the spread leaves it out, and
    is None with fewer than two others.
    """

    path: str
    metric: str
    n: int
    readings: list[Reading]
    spread: float | None


def audit(path: str | Path, scoring: Scoring, extractors: Sequence[str] = ()) -> Audit:
    """Read the file once, each row by every extractor; `extractors` empty: those that fit the metric."""
    from tiny_eval.extraction import CHAINS

    path = Path(path)
    scoring = scoring.for_file(path)
    chain = FITTING.get(scoring.metric, "text")
    names = list(extractors) or list(dict.fromkeys([chain, *CHAINS[chain].extractors, "first_line"]))
    plain = replace(scoring, extractor=None)
    scorers = {AS_IT_IS: item_scorer(plain, usual=False)}
    scorers |= {name: item_scorer(replace(scoring, extractor=name)) for name in names}
    scores: dict[str, list[float]] = {name: [] for name in scorers}
    fired: dict[str, Counter[str]] = {name: Counter() for name in scorers}
    reasons: dict[str, Counter[str]] = {name: Counter() for name in scorers}
    n = 0
    for row in read_rows(path):
        n += 1
        for name, score in scorers.items():
            item = score(row)
            if item.outcome.score is None:
                reasons[name][item.outcome.reason] += 1
            else:
                scores[name].append(item.outcome.score)
            fired[name].update([item.fired] if item.fired else [])
    if not n:
        raise EvalProblem(f"{path.as_posix()} holds no rows; nothing to audit")
    readings = []
    for name in scorers:
        found = mean_range(scores[name], reasons[name].total())
        unparsed = reasons[name][UNPARSED]
        readings.append(
            Reading(
                name,
                None if found.mean is None else 100 * found.mean,
                100 * (found.low or 0),
                100 * (found.high or 0),
                unparsed,
                unparsed / n,
                reasons[name].total(),
                dict(fired[name]),
            )
        )
    lows = [reading.low for reading in readings if reading.score is not None]
    spread = max(lows) - min(lows) if len(lows) > 1 else None
    return Audit(path.as_posix(), scoring.metric, n, readings, spread)
