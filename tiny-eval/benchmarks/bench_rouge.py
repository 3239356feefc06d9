"""ROUGE-L beside `rouge-score` and `rouge`: texts scored a second, one thread each, both giving the same scores.

The peers fill a table of words by words; ours handles a column of it as one integer. The texts are made up: frequent
words as frequent as in English, and a prediction that keeps about half of its reference.
"""

import random
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version

from rouge import Rouge
from rouge_score.rouge_scorer import RougeScorer
from tiny_shared.benchmarks import Row, command, in_turn, speed

from tiny_eval.metrics import SCORERS

TEXTS, WORDS, VOCABULARY, ROUNDS = 10_000, 256, 5_000, 10
SLOWER = 10  # how much longer the package from pip takes, about: it gets as many texts fewer
GOOGLE, PIP = RougeScorer(["rougeL"]), Rouge(metrics=["rouge-l"])
Pair = tuple[str, str]


def run(scale: float = 1.0) -> list[Row]:
    """Both dialects. Every round takes texts of its own, so that all of them are scored once."""
    n = max(int(TEXTS * scale), ROUNDS)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 10 * WORDS))  # else the package from pip may fail on texts of this length
    try:
        return [
            compared("rouge_l_google", n, "rouge-score", google_f),
            compared("rouge_l_pip", max(n // SLOWER, ROUNDS), "rouge", pip_f),
        ]
    finally:
        sys.setrecursionlimit(limit)


def google_f(pred: str, answer: str) -> float:
    return GOOGLE.score(answer, pred)["rougeL"].fmeasure


def pip_f(pred: str, answer: str) -> float:
    return PIP.get_scores(pred, answer)[0]["rouge-l"]["f"]


def compared(metric: str, n: int, package: str, theirs: Callable[[str, str], float]) -> Row:
    share = n // ROUNDS
    texts = pairs(n + share)  # the first share warms both up
    portions = [texts[start : start + share] for start in range(0, len(texts), share)]
    scorer = SCORERS[metric]
    for pred, answer in portions[0][:20]:
        if abs(scorer(pred, [answer]) - theirs(pred, answer)) > 1e-9:
            raise ValueError(f"{metric} and {package} differ on {pred!r} against {answer!r}: nothing to compare")

    def score_next(score: Callable[[str, str], float], left: Iterator[list[Pair]]) -> list[float]:
        return [score(pred, answer) for pred, answer in next(left)]

    ours_left, theirs_left = iter(portions), iter(portions)
    seconds = in_turn(
        lambda: score_next(lambda pred, answer: scorer(pred, [answer]), ours_left),
        lambda: score_next(theirs, theirs_left),
        ROUNDS,
    )
    what = f"{metric}, {share * ROUNDS:,} texts of {WORDS} words"
    return speed(what, share, "texts/s", f"{package} {version(package)}", seconds, command("tiny-eval", "rouge"))


def pairs(n: int) -> list[Pair]:
    """Prediction and reference: each word of the reference is kept with probability a half, else another one."""
    rng = random.Random(7)
    vocabulary = [f"w{rank}" for rank in range(VOCABULARY)]
    weights = [1 / (rank + 2.7) for rank in range(VOCABULARY)]  # Zipf's law
    made = []
    for _ in range(n):
        reference = rng.choices(vocabulary, weights, k=WORDS)
        others = rng.choices(vocabulary, weights, k=WORDS)
        made.append((" ".join(rng.choice(both) for both in zip(reference, others, strict=True)), " ".join(reference)))
    return made
