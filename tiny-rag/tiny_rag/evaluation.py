"""How good is the search? recall@k, MRR and nDCG on questions with known answers, each with a bootstrap interval.

A query's *gains* are the relevance of what was found, in order of rank. What the numbers mean, for gains 0 1 0:
recall@3 is 1 if there is one relevant text in all; the reciprocal rank is 1/2; DCG is 1/log2(3), and nDCG divides it
by the DCG of the best possible order (Järvelin & Kekäläinen 2002).
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .search import Hit

DEPTH = 10
RESAMPLES = 2_000


class EvaluationProblem(ValueError):
    """A file of questions that can't be used. The message says what to do next."""


@dataclass(frozen=True)
class Question:
    """A question and what counts as found: record ids with their gain, or quotes from files."""

    id: str
    text: str
    gains: Mapping[str, float]  # record id -> gain; or "file\nquote" -> 1
    answerable: bool = True
    answers: tuple[str, ...] = ()


def recall(gains: Sequence[float], relevant: int) -> float:
    """Share of the relevant texts that were found."""
    return sum(gain > 0 for gain in gains) / relevant if relevant else 0.0


def reciprocal_rank(gains: Sequence[float]) -> float:
    """1 / rank of the first relevant text; 0 if none was found."""
    return next((1 / rank for rank, gain in enumerate(gains, start=1) if gain > 0), 0.0)


def ndcg(gains: Sequence[float], ideal: Sequence[float], depth: int = DEPTH) -> float:
    """Discounted cumulative gain, relative to the best possible order of the `ideal` gains."""
    best = _dcg(sorted(ideal, reverse=True)[:depth])
    return _dcg(gains[:depth]) / best if best else 0.0


def _dcg(gains: Sequence[float]) -> float:
    return float(sum(gain / np.log2(rank + 1) for rank, gain in enumerate(gains, start=1)))


def bootstrap(values: Sequence[float], seed: int = 0) -> tuple[float, float]:
    """95 % interval of the mean: resample the queries with replacement (Efron 1979)."""
    values_Q = np.asarray(values, float)
    if not len(values_Q):
        return 0.0, 0.0
    rng = np.random.default_rng(seed)
    means = [float(rng.choice(values_Q, len(values_Q)).mean()) for _ in range(RESAMPLES)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def evaluate(
    questions: Sequence[Question], search: Callable[[str, int], list[Hit]], seed: int = 0
) -> dict[str, float | int | list[float]]:
    """Search each question and average: {"ndcg@10": …, "ndcg@10_interval": [low, high], …}."""
    scores: dict[str, list[float]] = {"ndcg@10": [], "recall@10": [], "mrr@10": []}
    for question in questions:
        gains, found = gains_of(question, search(question.text, DEPTH))
        relevant = sum(gain > 0 for gain in question.gains.values())
        scores["ndcg@10"].append(min(ndcg(gains, list(question.gains.values())), 1.0))
        scores["recall@10"].append(found / relevant if relevant else 0.0)
        scores["mrr@10"].append(reciprocal_rank(gains))
    result: dict[str, float | int | list[float]] = {"queries": len(questions)}
    for name, values in scores.items():
        result[name] = round(float(np.mean(values)), 6) if values else 0.0
        result[f"{name}_interval"] = [round(bound, 6) for bound in bootstrap(values, seed)]
    return result


def gains_of(question: Question, hits: Sequence[Hit]) -> tuple[list[float], int]:
    """The gain of each hit, and how many relevant things were found; what was found before counts no more."""
    left = {key: gain for key, gain in question.gains.items() if gain > 0}
    gains = []
    for hit in hits:
        here = [left.pop(key) for key in list(left) if _matches(key, hit)]
        gains.append(sum(here))  # one passage may hold two of the quotes
    return gains, sum(gain > 0 for gain in question.gains.values()) - len(left)


def _matches(key: str, hit: Hit) -> bool:
    passage = hit.passage
    if "\n" not in key:
        return key == passage.record
    source, quote = key.split("\n", 1)
    return f"/{passage.source}".endswith(f"/{source}") and squeezed(quote) in squeezed(passage.text)


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def read_beir(folder: Path) -> list[Question]:
    """The queries of a BEIR folder that have a relevant text: `queries.jsonl` and `qrels/test.tsv`."""
    qrels = folder / "qrels" / "test.tsv"
    relevant: dict[str, dict[str, float]] = {}
    try:
        lines = qrels.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise EvaluationProblem(f"{qrels}: not UTF-8; save the file as UTF-8") from None
    for number, line in enumerate(lines, start=1):
        fields = line.split("\t")
        if not line.strip() or (number == 1 and fields[-1].strip() == "score"):
            continue
        try:
            query, text, gain = fields[0], fields[1], float(fields[2])
        except (IndexError, ValueError):
            raise EvaluationProblem(
                f"{qrels}:{number}: expected query-id, corpus-id and score with tabs between"
            ) from None
        if gain > 0:
            relevant.setdefault(query, {})[text] = gain
    queries = {str(row.get("_id")): str(row.get("text", "")) for row in _rows(folder / "queries.jsonl")}
    questions = [Question(id, queries[id], gains) for id, gains in relevant.items() if id in queries]
    if not questions:
        raise EvaluationProblem(f"{folder}: no query of queries.jsonl has a relevant text in qrels/test.tsv")
    return questions


def read_questions(path: Path) -> list[Question]:
    """Questions with `relevant`: [{"source", "quote"}]; those with `"answerable": false` have nothing to find."""
    questions = []
    for number, row in enumerate(_rows(path), start=1):
        if not isinstance(row.get("question"), str):
            raise EvaluationProblem(f'{path}: question {number} has no text under "question"')
        try:
            gains = {f"{item['source']}\n{item['quote']}": 1.0 for item in row.get("relevant") or []}
        except (TypeError, KeyError):
            raise EvaluationProblem(
                f'{path}: question {number}: "relevant" must be a list of {{"source": FILE, "quote": TEXT}}'
            ) from None
        answerable = bool(row.get("answerable", True))
        if answerable and not gains:
            raise EvaluationProblem(f'{path}: question {number} names nothing "relevant"; or set "answerable": false')
        answers = row.get("answers") or []
        if not isinstance(answers, list) or not all(isinstance(each, str) for each in answers):
            raise EvaluationProblem(f'{path}: question {number}: "answers" must be a list of texts')
        questions.append(Question(str(row.get("id", number)), row["question"], gains, answerable, tuple(answers)))
    if not questions:
        raise EvaluationProblem(f"{path} holds no questions")
    return questions


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                try:
                    row = json.loads(line.decode("utf-8-sig"))
                except UnicodeDecodeError:
                    raise EvaluationProblem(f"{path}:{number}: not UTF-8; save the file as UTF-8") from None
                except (ValueError, RecursionError):
                    row = None
                if not isinstance(row, dict):
                    raise EvaluationProblem(f"{path}:{number}: not a JSON object; one object a line")
                yield row
