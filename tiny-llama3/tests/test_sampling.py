"""Every filter against the one of `transformers`; choosing against the probabilities that it should follow."""

import random
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers.generation import logits_process

from tiny_llama3.problem import Problem
from tiny_llama3.sampling import Sampling, choose, filtered, penalised

IDS: Any = torch.zeros(3, 1, dtype=torch.long)


def random_logits(seed, size=40):
    return torch.randn(3, size, generator=torch.Generator().manual_seed(seed)) * 3


@given(st.integers(0, 50), st.floats(0.1, 3), st.integers(0, 60), st.floats(0.05, 1), st.floats(0, 0.9))
def test_filters_equal_those_of_transformers(seed, temperature, top_k, top_p, min_p):
    logits = random_logits(seed)
    theirs = logits_process.TemperatureLogitsWarper(float(temperature))(IDS, logits)
    if top_k:
        theirs = logits_process.TopKLogitsWarper(top_k)(IDS, theirs)
    if top_p < 1:
        theirs = logits_process.TopPLogitsWarper(top_p)(IDS, theirs)
    if min_p:
        theirs = logits_process.MinPLogitsWarper(min_p)(IDS, theirs)
    torch.testing.assert_close(filtered(logits, Sampling(temperature, top_k, top_p, min_p)), theirs)


@given(st.integers(0, 50), st.floats(0.2, 4))
def test_penalty_equals_that_of_transformers(seed, penalty):
    logits = random_logits(seed)
    text = torch.randint(0, 40, (3, 7), generator=torch.Generator().manual_seed(seed))
    seen = torch.zeros(3, 40, dtype=torch.bool).scatter(1, text, True)
    theirs = logits_process.RepetitionPenaltyLogitsProcessor(penalty)(text, logits.clone())
    torch.testing.assert_close(penalised(logits, seen, penalty), theirs)


def test_choosing_follows_the_probabilities():
    logits = torch.tensor([[2.0, 1.0, 0.0, -torch.inf]]).repeat(20_000, 1)
    chances = [random.Random(row) for row in range(20_000)]
    chosen = choose(logits, torch.zeros_like(logits, dtype=torch.bool), Sampling(temperature=1.0), chances)
    shares = torch.bincount(chosen, minlength=4) / 20_000
    torch.testing.assert_close(shares, logits[0].softmax(-1), atol=0.015, rtol=0)
    assert shares[3] == 0


def test_greedy_heeds_the_penalty():
    logits, seen = torch.tensor([[1.0, 0.9]]), torch.tensor([[True, False]])
    assert choose(logits, seen, Sampling(), []).tolist() == [0]
    assert choose(logits, seen, Sampling(repetition_penalty=2.0), []).tolist() == [1]


@pytest.mark.parametrize(
    "setting",
    [
        {"temperature": -1.0},
        {"temperature": float("nan")},
        {"top_k": -1},
        {"top_p": 0.0},
        {"top_p": 1.1},
        {"min_p": 1.0},
        {"repetition_penalty": 0.0},
    ],
)
def test_bad_settings(setting):
    with pytest.raises(Problem, match=next(iter(setting))):
        Sampling(**setting)
