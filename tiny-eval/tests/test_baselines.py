"""Baselines: each on a case done by hand; the language model adds up to one and predicts what it has counted."""

import asyncio
import math

import pytest

from tiny_eval.problem import EvalProblem
from tiny_eval.running.baselines import Baseline, Ngrams
from tiny_eval.running.prompt import Prompt
from tiny_eval.running.question import Question
from tiny_eval.running.task import Task

TASK = Task("t", "{{input}}", data="d")
ITEMS = [
    {"id": "1", "input": "who found the old well?", "context": "It rained. Ann found the old well. She sang. Ben left.",
     "answers": ["x"]},
    {"id": "2", "input": "谁找到了古井？", "context": "那天下雨。小安找到了古井。后来大家走了。又过一年。",
     "answers": ["x"]},
    {"id": "3", "input": "which is a red fruit", "choices": ["a blue stone", "a red fruit, ripe"], "answers": ["B"]},
]  # fmt: skip


def said(name, item, items=ITEMS, task=TASK):
    model = Baseline(name, task, items)
    return asyncio.run(model.answer(Question(item, Prompt([], item["input"], 1)))).text


def test_by_hand():
    assert said("majority", ITEMS[2]) == "x"
    assert said("lead", ITEMS[0]) == "It rained. Ann found the old well. She sang."
    assert said("lead", ITEMS[1]) == "那天下雨。小安找到了古井。后来大家走了。"
    assert said("overlap", ITEMS[0]) == "Ann found the old well."
    assert said("overlap", ITEMS[1]) == "小安找到了古井。"
    assert said("overlap", ITEMS[2]) == "B"
    classes = {"id": "4", "input": "the door of the hall", "all_classes": ["tree", "door"], "answers": ["door"]}
    assert said("overlap", classes) == "door" and said("ngram", classes, [*ITEMS, classes]) == "door"


def test_only_the_majority_looks_at_answers():
    for name in ("lead", "overlap", "ngram"):
        for item in ITEMS:
            assert said(name, item) == said(name, {**item, "answers": ["other"]})


def test_probabilities_add_up_to_one():
    ngrams = Ngrams(["abracadabra", "bra"], order=3)
    known = sorted(ngrams.counts[""])
    for context in ("", "a", "abr", "zz", "xab"):
        rest = 0x110000 - len(known)
        total = sum(ngrams.probability(context, c) for c in known) + rest * ngrams.probability(context, "\uffff")
        assert total == pytest.approx(1)
    assert ngrams.probability("ab", "r") > 0.4 > ngrams.probability("ab", "c")
    # by hand: order 0 has 14 characters, 6 of them a; λ = 2
    assert Ngrams(["abracadabra", "bra"], order=0).probability("", "a") == pytest.approx((6 + 2 / 0x110000) / 16)


def test_a_text_is_predicted_from_those_before_it():
    items = [{"id": str(n), "input": "the same again. ", "answers": [""]} for n in range(3)]
    task = Task("p", "", kind="perplexity", data="d")
    model = Baseline("ngram", task, items)
    found = [asyncio.run(model.answer(Question(item, Prompt([], "", 0), continuation=str(item["input"])))).logprobs
             for item in items]  # fmt: skip
    sums = [math.fsum(each) for each in found]
    assert sums[0] < sums[1] < sums[2] and found[0][0] == pytest.approx(-math.log(0x110000))


def test_what_a_baseline_cannot_do():
    with pytest.raises(EvalProblem, match="no baseline 'magic'"):
        Baseline("magic", TASK, ITEMS)
    with pytest.raises(EvalProblem, match="knows no probabilities"):
        asyncio.run(Baseline("lead", TASK, ITEMS).answer(Question(ITEMS[0], Prompt([], "", 0), continuation="x")))
