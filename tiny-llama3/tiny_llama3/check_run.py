"""Is this run normal? The answers that people ask each other for, from the run's log and from reference runs.

A reference is the curve of a run that went well, kept in reference/: the validation loss in bits a byte, which doesn't
depend on the tokenizer, over the tokens that were trained on. It is compared with runs on the same corpus.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from tiny_llama3.presets import parameters
from tiny_llama3.problem import Problem
from tiny_llama3.run_folder import Description

Row = dict[str, Any]
REFERENCES = Path(__file__).with_name("reference")
WITHIN = 0.15  # of the reference; seeds and machines differ by a few per cent


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    about: str
    normal: bool
    words: str


@dataclass(frozen=True)
class Reference:
    """A run that went well."""

    corpus: str
    shape: str
    parameters: int
    points: list[tuple[int, float]]  # tokens, validation loss in bits a byte

    def bits_at(self, tokens: int) -> float:
        """Between two points a straight line over the logarithm of the tokens; after the last point, that."""
        xs, ys = zip(*((math.log(max(1, seen)), bits) for seen, bits in self.points), strict=True)
        return float(np.interp(math.log(max(1, tokens)), xs, ys))


def references(folder: Path = REFERENCES) -> list[Reference]:
    found = []
    for path in sorted(folder.glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        points = [(int(tokens), float(bits)) for tokens, bits in content["points"]]
        found.append(Reference(content["corpus"], content["shape"], content["parameters"], points))
    return found


def reference_of(rows: Sequence[Row], description: Description) -> dict[str, Any]:
    """This run as a reference, to be kept as JSON."""
    return {
        "corpus": corpus_of(description),
        "shape": description.name,
        "parameters": parameters(description.model),
        "points": [[row["tokens"], round(row["bits_per_byte"], 4)] for row in _measured(rows)],
    }


def corpus_of(description: Description) -> str:
    return str(description.data.get("about", {}).get("name", "your own text"))


def nearest_reference(description: Description, known: Sequence[Reference] | None = None) -> Reference | None:
    """Of those on the same corpus the one of the most similar size; None: those in the tree."""
    size = parameters(description.model)
    same = [one for one in (references() if known is None else known) if one.corpus == corpus_of(description)]
    return min(same, key=lambda one: abs(math.log(one.parameters / size)), default=None)


def check(rows: Sequence[Row], description: Description, known: Sequence[Reference]) -> list[Finding]:
    """Raises Problem if the run has measured too little to tell."""
    measured = _measured(rows)
    if len(measured) < 2:
        raise Problem("the run has not come to its first evaluation after the start; let it go on, or start one with "
                      "a smaller --evaluate-every")  # fmt: skip
    return [
        *_beginning(measured, description),
        *_spikes(rows),
        *_falling(measured),
        *_overfitting(measured),
        *_floor(measured, description),
        *_reference(measured, description, known),
        *_speed(rows),
    ]


def verdict(findings: Sequence[Finding]) -> str:
    """ "normal", or what is not."""
    odd = [finding.about for finding in findings if not finding.normal]
    return "normal" if not odd else "not normal: " + ", ".join(odd)


def in_words(findings: Sequence[Finding]) -> str:
    lines = [f"{'✓' if finding.normal else '✗'} {finding.about}: {finding.words}" for finding in findings]
    return "\n".join([*lines, f"Is this run normal? {verdict(findings)}"])


def _measured(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if "validation_loss" in row]


def _beginning(measured: Sequence[Row], description: Description) -> Iterator[Finding]:
    first, expected = measured[0], math.log(description.model.vocab_size)
    if first["step"] == 0:
        loss = first["validation_loss"]
        words = f"loss {loss:.2f} before the first step; a model that knows nothing has ln(vocabulary) = {expected:.2f}"
        yield Finding("beginning", abs(loss / expected - 1) < 0.1, words)


def _spikes(rows: Sequence[Row]) -> Iterator[Finding]:
    losses = [(row["step"], row["train_loss"]) for row in rows if "train_loss" in row]
    lowest, spikes = math.inf, []
    for step, loss in losses:
        if loss > 1.3 * lowest + 0.3:
            spikes.append(step)
        lowest = min(lowest, loss)
    if losses:
        words = "the training loss jumps up nowhere"
        if spikes:
            words = f"the training loss jumps up in step {spikes[0]}" + (
                f" and {len(spikes) - 1} more" if spikes[1:] else ""
            )
            words += "; lower --learning-rate and --muon-rate, or warm up longer"
        yield Finding("spikes", not spikes, words)


def _falling(measured: Sequence[Row]) -> Iterator[Finding]:
    first, best = measured[0]["validation_loss"], min(row["validation_loss"] for row in measured)
    falls = best < 0.9 * first
    advice = "" if falls else "; nothing is learned: is the learning rate far too low, or too high?"
    yield Finding("falling", falls, f"validation loss {first:.3f} → {best:.3f} at best{advice}")


def _overfitting(measured: Sequence[Row]) -> Iterator[Finding]:
    best, last = min(measured, key=lambda row: row["validation_loss"]), measured[-1]
    rise = last["validation_loss"] / best["validation_loss"] - 1
    words = "validation is at its best at the end"
    if best is not last:
        words = f"validation was at its best in step {best['step']:,}, and is {rise:.1%} above that at the end"
    if rise > 0.02:
        words += "; it learns by heart: take more text, a smaller model or fewer steps (the best model was kept)"
    yield Finding("overfitting", rise <= 0.02, words)


def _floor(measured: Sequence[Row], description: Description) -> Iterator[Finding]:
    floor = description.data.get("about", {}).get("floor_bits_per_byte")
    if floor:
        share = measured[-1]["bits_per_byte"] / floor - 1
        words = f"{measured[-1]['bits_per_byte']:.4f} bits a byte, {share:+.1%} over the {floor:.4f} that no model "
        words += "can beat"
        if share < -0.02:
            words += "; below it: the model has seen what it was measured on"
        yield Finding("floor", share >= -0.02, words)


def _reference(measured: Sequence[Row], description: Description, known: Sequence[Reference]) -> Iterator[Finding]:
    nearest = nearest_reference(description, known)
    if nearest is None:
        words = f"there is none for {corpus_of(description)}, so only the run itself could be looked at"
        yield Finding("reference", True, words)
        return
    last = measured[-1]
    expected = nearest.bits_at(last["tokens"])
    over = last["bits_per_byte"] / expected - 1
    words = f"{last['bits_per_byte']:.4f} bits a byte after {last['tokens']:,} tokens; {nearest.shape} "
    words += f"({nearest.parameters:,} parameters) had {expected:.4f}: {over:+.1%}"
    if over > WITHIN:
        words += "; compare its settings with `pretrain --help`, and the data"
    yield Finding("reference", over <= WITHIN, words)


def _speed(rows: Sequence[Row]) -> Iterator[Finding]:
    """Between rows, not since the start: a run that becomes slow hides in its own mean."""
    places = [(row["tokens"], row["seconds"]) for row in rows if "train_loss" in row]
    speeds = [(b[0] - a[0]) / (b[1] - a[1]) for a, b in pairwise(places) if b[1] > a[1]]
    if len(speeds) >= 8:
        half = len(speeds) // 2
        early, late = float(np.median(speeds[:half])), float(np.median(speeds[half:]))
        steady = late > 0.6 * early
        advice = "" if steady else "; is something else running, is the machine hot?"
        yield Finding("speed", steady, f"{early:,.0f} tokens/s in the first half, {late:,.0f} in the second{advice}")
