"""How far to trust a judge: does its verdict depend on the order, the length, the day, and do people share it?

    swap-flip rate   pairs whose winner changes when the answers change places; 0 is good
    first-place      how often the answer that stands first wins, ties left out; 0.5 is good
    length bias      how often the longer answer wins (or, by a rubric, the correlation of score and length); 0.5, or 0
    self-agreement   judgements of the same thing that are equal to their repetition; 1 is good
    kappa            agreement with people beyond chance (Cohen 1960); above 0.6 is good, 0 is chance

By hand: judge and person agree on 8 of 10, each says A half of the time; chance agrees on 5. (8 − 5)/(10 − 5) = 0.6.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tiny_eval.problem import EvalProblem
from tiny_eval.rows import read_objects

Json = dict[str, Any]
Verdict = int | str


@dataclass(frozen=True)
class Card:
    """None: nothing there to measure it by. `wins` counts items, after both orders: a flipped pair is a tie."""

    judged: int
    not_measured: int
    mean_score: float | None = None
    wins: dict[str, int] | None = None
    swap_flip_rate: float | None = None
    first_place_rate: float | None = None
    length_bias: float | None = None
    self_agreement: float | None = None
    kappa: float | None = None
    labelled: int = 0


def card_of(judgements: Sequence[Json]) -> Card:
    good = [row for row in judgements if row["verdict"] is not None]
    pairs = any("swapped" in row for row in judgements)
    numbers = [row["verdict"] for row in good if not pairs]
    return Card(
        len(good), len(judgements) - len(good), sum(numbers) / len(numbers) if numbers else None,
        dict(Counter(map(str, verdicts(good).values()))) if pairs and good else None,
        swap_flips(good) if pairs else None, first_places(good) if pairs else None,
        longer_wins(good) if pairs else correlation([(row["verdict"], row["lengths"][0]) for row in good]),
        self_agreement(good),
    )  # fmt: skip


def verdicts(judgements: Iterable[Json]) -> dict[str, Verdict]:
    """One for each item: of pairs the winner in both orders, else a tie; by a rubric the rounded mean."""
    said: dict[str, list[Verdict]] = defaultdict(list)
    for row in judgements:
        if row["verdict"] is not None:
            said[str(row["id"])].append(row["verdict"])
    return {name: _one(own) for name, own in said.items()}


def _one(said: list[Verdict]) -> Verdict:
    if isinstance(said[0], int):
        return round(sum(map(int, said)) / len(said))
    return said[0] if len(set(said)) == 1 else "tie"


def swap_flips(judgements: Iterable[Json]) -> float | None:
    """Of the pairs judged in both orders (the same repetition), those with another verdict."""
    orders: dict[tuple[str, int], dict[bool, Verdict]] = defaultdict(dict)
    for row in judgements:
        orders[str(row["id"]), row["repeat"]][row["swapped"]] = row["verdict"]
    both = [own for own in orders.values() if len(own) == 2]
    return sum(own[False] != own[True] for own in both) / len(both) if both else None


def first_places(judgements: Iterable[Json]) -> float | None:
    won = [(row["verdict"] == "A") != row["swapped"] for row in judgements if row["verdict"] != "tie"]
    return sum(won) / len(won) if won else None


def longer_wins(judgements: Iterable[Json]) -> float | None:
    won = []
    for row in judgements:
        first, second = row["lengths"][::-1] if row["swapped"] else row["lengths"]
        if first != second and row["verdict"] != "tie":
            won.append((row["verdict"] == "A") == (first > second))
    return sum(won) / len(won) if won else None


def self_agreement(judgements: Iterable[Json]) -> float | None:
    """Over all two repetitions of the same question."""
    same: dict[tuple[str, bool], list[Verdict]] = defaultdict(list)
    for row in judgements:
        same[str(row["id"]), row.get("swapped", False)].append(row["verdict"])
    agreed = asked = 0
    for own in same.values():
        for place, verdict in enumerate(own):
            asked += place
            agreed += sum(verdict == other for other in own[:place])
    return agreed / asked if asked else None


def correlation(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Pearson's; None where one side doesn't vary."""
    n = len(pairs)
    if n < 2:
        return None
    mean_x, mean_y = (sum(pair[side] for pair in pairs) / n for side in (0, 1))
    xy = sum((x - mean_x) * (y - mean_y) for x, y in pairs)
    xx, yy = sum((x - mean_x) ** 2 for x, _ in pairs), sum((y - mean_y) ** 2 for _, y in pairs)
    return float(xy / (xx * yy) ** 0.5) if xx and yy else None


def kappa(pairs: Sequence[tuple[Verdict, Verdict]]) -> float | None:
    """Cohen's, unweighted; None where chance alone would agree on everything."""
    n = len(pairs)
    if not n:
        return None
    agreed = sum(ours == theirs for ours, theirs in pairs) / n
    ours, theirs = Counter(pair[0] for pair in pairs), Counter(pair[1] for pair in pairs)
    chance = sum(ours[label] * theirs[label] for label in ours) / n**2
    return (agreed - chance) / (1 - chance) if chance < 1 else None


def agreement_with(judgements: Iterable[Json], labels: Path) -> Json:
    """Kappa against people's labels, one {"id", "label"} a line: A, B or tie, or a number from 1 to 5."""
    people = {}
    for place, row in read_objects(labels):
        if "id" not in row or "label" not in row:
            raise EvalProblem(f'{place}: a label is {{"id": ..., "label": ...}}')
        people[str(row["id"])] = row["label"]
    judged = verdicts(judgements)
    common = [(judged[name], people[name]) for name in judged if name in people]
    if not common:
        raise EvalProblem(f"{labels.as_posix()} labels none of the items that were judged; compare the ids")
    return {"kappa": kappa(common), "labelled": len(common)}


def lines(card: Card) -> list[str]:
    """For people: each measure with what would be good."""
    said = []
    if card.mean_score is not None:
        said.append(f"  mean score       {card.mean_score:.2f} of 5")
    if card.wins is not None:
        won = ", ".join(f"{name} {card.wins.get(name, 0)}" for name in ("A", "B", "tie"))
        said.append(f"  wins             {won} (a pair that flips counts as a tie)")
    length_good = "0.5 is good" if card.wins is not None else "0 is good"
    for name, value, good in (("swap-flip rate", card.swap_flip_rate, "0 is good"),
                              ("first-place rate", card.first_place_rate, "0.5 is good"),
                              ("length bias", card.length_bias, length_good),
                              ("self-agreement", card.self_agreement, "1 is good"),
                              (f"kappa, {card.labelled} labels", card.kappa, "above 0.6 is good")):  # fmt: skip
        if value is not None:
            said.append(f"  {name:16} {value:.2f} ({good})")
    return said
