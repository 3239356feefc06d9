"""A good run is normal; each thing that goes wrong is named."""

import json
import math

import pytest

from tiny_llama3.check_run import Reference, check, in_words, reference_of, references, verdict
from tiny_llama3.model import LlamaConfig
from tiny_llama3.presets import parameters
from tiny_llama3.problem import Problem
from tiny_llama3.run_folder import Description
from tiny_llama3.training import TrainingConfig

MODEL = LlamaConfig(500, 16, 24, 1, 2)
ABOUT = {"name": "tales", "floor_bits_per_byte": 0.9}
REFERENCE = Reference("tales", "nano", parameters(MODEL), [(0, 3.0), (5_000, 1.4), (10_000, 1.0)])


def description(about=ABOUT):
    return Description("nano", MODEL, TrainingConfig(steps=100), {"about": about}, "", {})


def rows(losses=(6.2, 3.0, 2.0, 1.5, 1.4), slow_from=100):
    """A log with a report every 5 steps and an evaluation every 25, 100 tokens a step."""
    found, seconds = [], 0.0
    for step in range(0, 101, 5):
        low, high = losses[step // 25], losses[min(step // 25 + 1, 4)]
        loss = low + (high - low) * (step % 25) / 25
        seconds += 0 if step == 0 else 5 if step > slow_from else 1
        place = {"step": step, "tokens": 100 * step, "seconds": seconds}
        if step:
            found.append(place | {"train_loss": loss})
        if step % 25 == 0:
            found.append(place | {"validation_loss": loss, "bits_per_byte": loss / math.log(2) / 2})
    return found


def odd(found, about=ABOUT, known=(REFERENCE,)):
    return [finding.about for finding in check(found, description(about), known) if not finding.normal]


def test_a_good_run_is_normal():
    findings = check(rows(), description(), [REFERENCE])
    assert verdict(findings) == "normal"
    assert [finding.about for finding in findings] == [
        "beginning", "spikes", "falling", "overfitting", "floor", "reference", "speed"]  # fmt: skip
    assert in_words(findings).endswith("Is this run normal? normal") and "✗" not in in_words(findings)


@pytest.mark.parametrize(
    ("losses", "names"),
    [
        ((9.0, 3.0, 2.0, 1.5, 1.4), ["beginning"]),
        ((6.2, 3.0, 2.0, 1.3, 1.4), ["overfitting"]),
        ((6.2, 6.1, 6.1, 6.0, 6.0), ["falling", "reference"]),
        ((6.2, 3.0, 2.0, 1.5, 1.0), ["floor"]),
        ((6.2, 3.0, 2.5, 2.0, 1.7), ["reference"]),
    ],
)
def test_what_is_odd_is_named(losses, names):
    assert odd(rows(losses)) == names
    assert verdict(check(rows(losses), description(), [REFERENCE])) == "not normal: " + ", ".join(names)


def test_a_spike_is_found_with_its_step():
    found = rows()
    next(row for row in found if row["step"] == 60 and "train_loss" in row)["train_loss"] = 5.0
    (spike,) = [finding for finding in check(found, description(), [REFERENCE]) if not finding.normal]
    assert spike.about == "spikes" and "step 60" in spike.words


def test_a_run_that_becomes_slow():
    assert odd(rows(slow_from=50)) == ["speed"]


def test_without_a_reference_only_the_run_is_looked_at():
    assert odd(rows((6.2, 3.0, 2.5, 2.0, 1.9)), about={}) == []
    assert "none for your own text" in in_words(check(rows(), description({}), [REFERENCE]))


def test_between_points_and_after_the_last():
    assert REFERENCE.bits_at(5_000) == pytest.approx(1.4)
    assert 1.0 < REFERENCE.bits_at(7_000) < 1.4
    assert REFERENCE.bits_at(10**6) == 1.0


def test_too_short_a_run():
    with pytest.raises(Problem, match="first evaluation"):
        check(rows()[:3], description(), [])


def test_a_run_becomes_a_reference_and_is_normal_by_it(tmp_path):
    (tmp_path / "tales.json").write_text(json.dumps(reference_of(rows(), description())))
    (found,) = references(tmp_path)
    assert found.parameters == parameters(MODEL) and len(found.points) == 5
    assert odd(rows(), known=[found]) == []


def test_references_in_the_tree_fall():
    for reference in references():
        bits = [bits for _, bits in reference.points]
        assert len(bits) > 4 and bits[-1] < bits[0] / 3 and reference.points[0][0] == 0
