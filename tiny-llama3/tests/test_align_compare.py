"""Sampling, judging, and the comparison's arithmetic."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from tiny_base import base, questions, tokenizer
from tiny_llama3.align.compare import POLICIES, STUDENT_95, Comparison, Result, Sample, interval_margin, scaled, summary
from tiny_llama3.align.comparison_table import table
from tiny_llama3.align.judges import checker, ends_with, known_answer, reward_model
from tiny_llama3.align.log_probability import token_log_probabilities
from tiny_llama3.align.rollout import Answer, Question, sample_answers
from tiny_llama3.align.rows import one_a_row
from tiny_llama3.align.scorer import from_base
from tiny_llama3.align.tuning import TuningConfig
from tiny_llama3.chat_template import Chat
from tiny_llama3.pictures import comparison_png
from tiny_llama3.problem import Problem


def answer(text, finished=True, right="85"):
    return Answer(Question([1, 2], "What is 47 + 38?", right), Chat([1, 2, 3], [False, False, True]), text, finished)


def test_answers_come_from_the_policy():
    """Over many draws the first token has the model's distribution, and an answer holds what was written."""
    model, question = base(), questions(1)[0]
    answers = sample_answers(model, tokenizer(), [question] * 4000, 1, seed=0)
    counts = torch.bincount(torch.tensor([each.chat.ids[-1] for each in answers]), minlength=len(tokenizer()))
    with torch.no_grad():
        expected = model(torch.tensor([question.ids]))[0, -1].softmax(-1)
    assert float((counts / 4000 - expected).abs().sum()) < 0.25
    ends = {tokenizer().eos_id, tokenizer().eot_id}
    for each in answers[:50]:
        assert each.chat.ids[: len(question.ids)] == question.ids
        assert each.chat.learnt == [False] * len(question.ids) + [True]
        assert each.finished == (each.chat.ids[-1] in ends)


def test_answers_end_where_their_turn_ends():
    for each in sample_answers(base(), tokenizer(), questions(20), 12, seed=3):
        written = [id for id, learnt in zip(each.chat.ids, each.chat.learnt, strict=True) if learnt]
        ends = [id in (tokenizer().eos_id, tokenizer().eot_id) for id in written]
        assert not any(ends[:-1]) and ends[-1] == each.finished and (each.finished or len(written) == 12)
        assert "<|" not in each.text or not each.finished
    again = [[each.text for each in sample_answers(base(), tokenizer(), questions(5), 9, seed)] for seed in (1, 1, 2)]
    assert again[0] == again[1] != again[2]
    with pytest.raises(Problem, match="are more than the model's 256 positions"):
        sample_answers(base(), tokenizer(), questions(1), 250, seed=0)


@torch.no_grad()
def test_the_batch_remembers_every_written_token():
    """What the losses see of an answer is exactly what was sampled."""
    answers = sample_answers(base(), tokenizer(), questions(6), 10, seed=0)
    batch = one_a_row([each.chat for each in answers])
    log_p = token_log_probabilities(base(), batch)
    for row, each in enumerate(answers):
        assert int((log_p[row] != 0).sum()) == sum(each.chat.learnt)


def test_judges():
    right, wrong = "7 + 8 = 15, 40 + 30 = 70, 70 + 15 = 85. Answer: 85", "Answer: 86"
    answers = [answer(right), answer(wrong), answer(right, finished=False)]
    assert checker("arithmetic")(answers) == [1.0, 0.0, 0.0]
    assert known_answer()(answers) == [1.0, 0.0, 0.0]
    assert ends_with("so it is\n85.", "85") and ends_with("答案是85。", "85") and ends_with("结果是八十五", "八十五")
    assert (
        not ends_with("185", "85")
        and not ends_with("", "85")
        and not ends_with("85", "")
        and not ends_with("85 or", "85")
    )
    scorer = from_base(base(), ["reward"])
    torch.nn.init.normal_(scorer.score.weight)
    scorer.average = 0.5
    with torch.no_grad():
        expected = torch.sigmoid(scorer.scores([[1, 2, 3]])[0, 0] - 0.5)
    assert reward_model(scorer)(answers) == pytest.approx([float(expected)] * 3, abs=1e-6)


@pytest.mark.parametrize(("freedom", "reach"), STUDENT_95.items())
def test_the_interval_is_students(freedom, reach):
    """Its density between the limits, added up, is 95%; and by hand for three values."""
    t = np.linspace(-reach, reach, 200_001)
    height = math.gamma((freedom + 1) / 2) / (math.sqrt(freedom * math.pi) * math.gamma(freedom / 2))
    inside = np.trapezoid(height * (1 + t**2 / freedom) ** (-(freedom + 1) / 2), t)
    assert inside == pytest.approx(0.95, abs=1e-4)
    assert interval_margin([0.1, 0.2, 0.3]) == pytest.approx(4.303 * 0.1 / math.sqrt(3))


def test_one_seed_settles_nothing():
    assert interval_margin([0.3]) is None
    (line,) = summary([Result("sft", 0, 0.9, 0.3, 0.1, 100, 1.0)])
    assert not line.beats_base


def test_summary_and_table():
    sample = Sample("What is `1`?", "2", "3\n4")
    results = [Result("dpo", seed, 0.6 + seed / 100, 0.3, 0.5, 1000, 2.0, (sample,)) for seed in range(3)]
    results += [Result("reward", seed, 0.9, 0.5, 0.0, 500, 1.0) for seed in range(3)]
    line, reward = summary(results)
    assert (line.method, line.seeds, line.beats_base) == ("dpo", 3, True)
    assert line.score == pytest.approx(0.61) and line.gain == pytest.approx(0.31)
    assert line.margin == pytest.approx(4.303 * 0.01 / math.sqrt(3))
    written = table(results)
    assert "| base | 30.0% | | 0 | | |" in written
    assert "| dpo | 61.0% | +31.0 ± 2.5 | 0.50 | 1,000 | 2 |" in written
    assert "tells 90.0% of held-out pairs apart" in written and "Means over 3 seeds" in written
    assert "`What is '1'?`: before `2`, after `3 / 4`" in written
    assert comparison_png([line], "title").startswith(b"\x89PNG")
    assert reward.method == "reward"


def test_every_method_runs_and_repeats():
    """Two steps of each on a model that knows nothing: numbers, not scores, are looked at."""
    settings = {name: dataclasses.replace(each, steps=2) for name, each in scaled(1.0).items()}
    ticks = []

    def run(method):
        model = base(max_position_embeddings=512)
        comparison = Comparison(model, tokenizer(), "arithmetic", "en", settings, examples=150, questions=20)
        steps = comparison.steps(method, 1)
        result = comparison.run(method, 1, lambda: ticks.append(method))
        assert steps == len(ticks)
        ticks.clear()
        return dataclasses.replace(result, seconds=0.0)

    for method in (*POLICIES, "reward"):
        result = run(method)
        assert (result.method, result.seed) == (method, 1) and result.tokens > 0
        assert method == "reward" or len(result.samples) == 3
        assert method in ("reward", "grpo") or result.kl != 0  # no answer is right, so no group teaches anything
    assert run("grpo") == run("grpo") and run("ppo") == run("ppo")
    with pytest.raises(Problem, match="no method 'kto'"):
        Comparison(base(), tokenizer(), "arithmetic", "en").run("kto", 0)
    with pytest.raises(Problem, match="can't be multiplied"):
        scaled(0.0)
    assert scaled(0.5)["sft"] == TuningConfig(75, scaled(1.0)["sft"].learning_rate)
