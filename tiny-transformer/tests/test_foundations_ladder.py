"""The ladder as a whole, with few steps; the sample's grammar, whose entropy is the floor."""

import json
import math
import random
import runpy
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import torch
from matplotlib.image import imread

from tiny_transformer.foundations import grammar, ladder
from tiny_transformer.foundations.ladder import Rung, picture, plot, run_ladder, table
from tiny_transformer.foundations.names import Names, read_items
from tiny_transformer.problem import Problem

SAMPLE = Path(__file__).resolve().parents[1] / "sample/names"
ORDER = [
    "bigram", "micrograd", "n-gram MLP", "attention, 1 head", "attention, 8 heads", "GPT", "+ RMSNorm", "+ RoPE",
    "+ SwiGLU", "+ grouped queries = Llama",
]  # fmt: skip


@pytest.fixture(scope="module")
def climbed():
    said = []
    rungs = run_ladder(read_items(SAMPLE / "names.txt"), effort=0.01, progress=lambda *what: said.append(what))
    return rungs, said


def test_every_rung_in_its_order_and_the_floor_last(climbed):
    rungs, said = climbed
    assert [rung.name for rung in rungs] == [*ORDER, "the grammar itself"]
    trained = [rung for rung, _, _ in said]
    assert list(dict.fromkeys(trained)) == ORDER[1:]
    assert all(step <= steps for _, step, steps in said)
    assert {rung for rung, step, steps in said if step == steps} == set(ORDER[1:])
    for rung in rungs:
        assert len(rung.samples) == 5
        assert rung.bits == pytest.approx(rung.nats / math.log(2))
        assert rung.nats > rungs[-1].nats or rung is rungs[-1]
        assert rung.seconds >= 0 and rung.cpu_seconds >= 0
    assert rungs[1].nats < rungs[0].nats  # so few steps are enough here
    assert "learned as a one-layer net" in rungs[0].note
    assert float(rungs[0].note.split(": ")[1].split()[0]) == pytest.approx(rungs[0].nats, abs=1e-3)


def test_parameters(climbed):
    sizes = {rung.name: rung.parameters for rung in climbed[0]}
    vocabulary = len(set("".join(read_items(SAMPLE / "names.txt")))) + 1
    assert (sizes["bigram"], sizes["micrograd"]) == (vocabulary**2, 2 * vocabulary**2)
    assert sizes["attention, 1 head"] == sizes["attention, 8 heads"]
    assert sizes["+ SwiGLU"] == pytest.approx(sizes["+ RoPE"], rel=0.01)


def test_the_same_seed_the_same_numbers():
    items = grammar.draw_names(300)
    before = torch.get_rng_state(), torch.get_num_threads()
    one, two, other = (
        run_ladder(items, seed=seed, effort=0.01, only=["micrograd", "n-gram MLP", "GPT"]) for seed in (5, 5, 6)
    )
    assert [(r.nats, r.samples) for r in one] == [(r.nats, r.samples) for r in two]
    assert all(a.nats != b.nats for a, b in zip(one, other, strict=True))
    assert torch.equal(before[0], torch.get_rng_state())  # what the caller draws next is untouched
    assert before[1] == torch.get_num_threads()


def test_effort_scales_the_steps():
    steps = []
    items = grammar.draw_names(100)
    for effort in (0.001, 0.002):
        run_ladder(items, effort=effort, only=["GPT"], progress=lambda rung, step, n: steps.append(n))
    assert steps[-1] == pytest.approx(2 * steps[0], abs=1)
    with pytest.raises(ValueError, match=r"effort must be positive \(got 0\)"):
        run_ladder(items, effort=0)


def test_names_can_be_chosen():
    assert [rung.name for rung in run_ladder(grammar.draw_names(100), only=["bigram"])] == ["bigram"]
    with pytest.raises(ValueError, match="no rung 'gtp'"):
        run_ladder(grammar.draw_names(100), only=["gtp"])


def test_any_lines_will_do():
    """Chinese lines, more kinds of characters than scalars can bear: that rung is left out, the others stand."""
    rng = random.Random(0)
    items = ["".join(chr(0x4E00 + rng.randrange(300)) for _ in range(rng.randint(1, 12))) for _ in range(200)]
    rungs = run_ladder(items, effort=0.001)
    assert [rung.name for rung in rungs] == [name for name in ORDER if name != "micrograd"]
    assert rungs[0].note == ""
    with pytest.raises(Problem, match="only 3 items"):
        run_ladder(["ann", "bob", "cy"])


def rung(**fields):
    given: dict[str, Any] = {
        "name": "GPT",
        "change": "blocks",
        "parameters": 1234,
        "nats": 2.0,
        "seconds": 1.25,
        "cpu_seconds": 1.0,
    }
    return Rung(**given | {"samples": ("ann", "a|b", "", "x" * 40, "é")} | fields)


def test_the_table():
    lines = table([rung(name="MLP", nats=2.5, note="so it is"), rung()]).splitlines()
    head, row = ([cell.strip() for cell in lines[i].strip("|").replace("\\|", "¦").split("|")] for i in (0, 3))
    assert dict(zip(head, row, strict=True)) == {
        "rung": "GPT", "parameters": "1,234", "nats": "2.000", "change": "−0.500", "bits": "2.885", "seconds": "1.2",
        "CPU s": "1.0", "what is new": "blocks", "five samples": f"ann, a¦b, (empty), {'x' * 23}…, é",
    }  # fmt: skip
    assert lines[-1] == "MLP: so it is"
    assert len({line.rindex(" | ") for line in lines[:1] + lines[2:3]}) == 1  # aligned


def test_json_is_json():
    found = json.loads(json.dumps(rung().as_json()))
    assert found["bits"] == pytest.approx(2 / math.log(2))
    assert (found["name"], found["samples"][0], found["parameters"]) == ("GPT", "ann", 1234)


def test_the_picture(tmp_path):
    """A PNG; another loss draws another picture, and so does a floor."""
    rungs = [rung(name="MLP", nats=2.5), rung()]
    pictures = [picture(rungs), picture([rungs[0], rung(nats=2.2)]), picture([*rungs, rung(parameters=0, nats=1.5)])]
    shapes = {imread(BytesIO(png)).shape for png in pictures}
    assert len(shapes) == 1 and len(set(pictures)) == 3
    plot(rungs, tmp_path / "ladder.png")
    assert (tmp_path / "ladder.png").read_bytes() == pictures[0]
    written = {}
    plot(rungs, tmp_path / "other.png", write=lambda path, content: written.update({path.name: content}))
    assert written == {"other.png": pictures[0]}


def test_the_sample_is_what_its_generator_writes():
    make_names = runpy.run_path(str(SAMPLE / "make_names.py"))
    content = (SAMPLE / "names.txt").read_bytes()
    assert content.decode() == make_names["content"]()
    assert len(content) < 100_000
    assert len(content.split()) == 6_000


def test_probabilities_are_frequencies():
    """Of the likeliest names, and of all together: the grammar's sums against what it draws."""
    names = grammar.draw_names(60_000, seed=1)
    counts = Counter(names)
    for name in sorted(counts, key=grammar.log_probability)[-20:]:
        expected = len(names) * math.exp(grammar.log_probability(name))
        assert counts[name] == pytest.approx(expected, abs=4 * math.sqrt(expected))
    nats, tokens = grammar.entropy()
    assert sum(len(name) + 1 for name in names) / len(names) == pytest.approx(tokens, rel=0.005)
    assert -sum(map(grammar.log_probability, names)) / len(names) == pytest.approx(nats, rel=0.005)
    assert grammar.mean_loss(names) == pytest.approx(nats / tokens, rel=0.005)


def test_probabilities_of_short_names_sum_to_their_share():
    """Every two-syllable name spelled out: together they have the two-syllable names' probability."""
    total = 0.0
    for harmony, vowels in grammar.VOWELS.items():
        assert set(vowels) == set(harmony)
        heads = [a + v + c for a in grammar.ONSETS for v in vowels for c in grammar.CODAS]
        for head in heads:
            for tail in (b + w for b in grammar.ONSETS for w in vowels):
                for ending in grammar.ENDINGS[grammar.ending_kind(head[0])]:
                    total += math.exp(grammar.log_probability(head + tail + ending))
    assert total == pytest.approx(grammar.SYLLABLES[2] / 100)


@pytest.mark.parametrize(
    "name", ["", "ba", "bako", "bakash", "lakan", "bakarask", "bakaba", "xaba", "bakan!", "banananana"]
)
def test_what_the_grammar_cannot_say(name):
    assert grammar.log_probability(name) == -math.inf


def test_percentages_are_whole():
    tables: list[dict[Any, int]] = [grammar.ONSETS, grammar.HARMONIES, grammar.CODAS, grammar.SYLLABLES]
    for percents in [*tables, *grammar.VOWELS.values(), *grammar.ENDINGS.values()]:
        assert sum(percents.values()) == 100


def test_the_floor_is_measured_on_the_held_out_names(climbed):
    items = read_items(SAMPLE / "names.txt")
    split = Names.from_items(items)
    held_out = [split.decode(row[1:].tolist()) for row in split.validation]
    assert climbed[0][-1].nats == grammar.mean_loss(held_out)
    assert ladder.floor(items[:-1], split) == []
