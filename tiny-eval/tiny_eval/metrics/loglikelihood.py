"""Choice questions by log-likelihood: the option that the model finds likeliest is its answer (Brown et al. 2020, 2.4).

Nothing is generated, so nothing has to be extracted. But longer options have lower probabilities, and common ones
higher, whatever the question; four ways to deal with that, as lm-evaluation-harness names them:

    sum                  ln p(option | question)                                      acc
    per_character        … divided by the option's characters, leading blank not counted     acc_norm
    per_byte             … divided by its bytes in UTF-8                              acc_bytes
    mutual_information   ln p(option | question) − ln p(option)                       acc_mutual_info

By hand: "yes" −3.0, "certainly not" −6.5. sum takes "yes". Per character: −3/3 = −1 and −6.5/13 = −0.5: "certainly
not". With ln p("yes") = −2 and ln p("certainly not") = −6 on their own: −1 and −0.5: "certainly not" gains more.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WAYS = ("sum", "per_character", "per_byte", "mutual_information")


@dataclass(frozen=True)
class ScoredChoice:
    """A question's options with their log-probabilities; `answer` is the place of the right one."""

    options: Sequence[str]
    logprobs: Sequence[float]  # ln p(option | question)
    answer: int
    alone: Sequence[float] | None = None  # ln p(option) without the question, for mutual information


def values(question: ScoredChoice, way: str) -> list[float]:
    """What each option is worth under `way`; the highest wins."""
    _check(question, way)
    if way == "sum":
        return list(question.logprobs)
    if way == "mutual_information":
        if question.alone is None or len(question.alone) != len(question.options):
            raise ValueError("mutual_information needs `alone`: a log-probability of every option without the question")
        return [given - alone for given, alone in zip(question.logprobs, question.alone, strict=True)]
    texts = [option.removeprefix(" ") for option in question.options]  # the blank that joins it to the question
    lengths = [len(text.encode("utf-8", "surrogatepass") if way == "per_byte" else text) for text in texts]
    if 0 in lengths:
        raise ValueError(f"{way} divides by an option's length, and option {lengths.index(0)} is empty; use sum")
    return [logprob / length for logprob, length in zip(question.logprobs, lengths, strict=True)]


def pick(question: ScoredChoice, way: str = "sum") -> int:
    """The place of the model's option; among equals the first."""
    worth = values(question, way)
    return worth.index(max(worth))


def accuracy(questions: Iterable[ScoredChoice], way: str = "sum") -> float:
    """The share of questions whose right option is picked."""
    hits = [pick(question, way) == question.answer for question in questions]
    if not hits:
        raise ValueError("accuracy needs at least one question (got none)")
    return sum(hits) / len(hits)


def _check(question: ScoredChoice, way: str) -> None:
    if way not in WAYS:
        raise ValueError(f"no way to compare options is called {way!r}; there are {', '.join(WAYS)}")
    n = len(question.options)
    if n == 0 or len(question.logprobs) != n or not 0 <= question.answer < n:
        raise ValueError(
            f"{n} options, {len(question.logprobs)} log-probabilities, answer {question.answer}: every option needs "
            "one log-probability, and the answer is the place of an option, counted from 0"
        )
    if any(math.isnan(logprob) for logprob in (*question.logprobs, *(question.alone or ()))):
        raise ValueError("a log-probability is NaN; this question was not measured")
