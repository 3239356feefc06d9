"""One loop for every method: it learns, and going on after a stop changes nothing, to the bit."""

from copy import deepcopy
from typing import Any

import pytest
import torch

from tiny_base import base, chats, pairs, questions, tokenizer
from tiny_llama3.align.chat_files import Labelled
from tiny_llama3.align.classify import Classify
from tiny_llama3.align.dpo import Dpo
from tiny_llama3.align.grpo import Grpo
from tiny_llama3.align.judges import checker
from tiny_llama3.align.lora import LoraConfig, add_lora
from tiny_llama3.align.ppo import Ppo
from tiny_llama3.align.reward import Reward
from tiny_llama3.align.scorer import from_base
from tiny_llama3.align.sft import Sft
from tiny_llama3.align.tuning import Tuner, TuningConfig
from tiny_llama3.problem import Problem


def likes_fives(answers):
    """A reward that a model of random weights can find its way to: the digit 5."""
    return [each.text.count("5") / max(len(each.text), 1) for each in answers]


def method(name, judge=likes_fives):
    model = base()
    if name == "sft":
        return Sft(model, chats(), chats(8, 1), per_step=8, length=200, micro_rows=2)
    if name == "lora":
        return Sft(add_lora(model, LoraConfig()), chats(), chats(8, 1), per_step=8, length=200, micro_rows=2)
    if name in ("dpo", "ipo"):
        return Dpo(model, pairs(), pairs(8, 1), loss=name, per_step=8, micro_pairs=4)
    if name == "reward":
        return Reward(from_base(model, ["reward"]), pairs(), pairs(8, 1), per_step=8, micro_pairs=4)
    if name == "classify":
        texts = [Labelled(f"{number} + {number}", str(number % 2)) for number in range(30)]
        return Classify(from_base(model, ["0", "1"]), tokenizer(), texts, texts, per_step=8, micro_rows=4)
    if name == "ppo":
        return Ppo(model, from_base(model, ["value"]), tokenizer(), questions(), judge, questions(8), prompts=16,
                   minibatch=8, max_new_tokens=12, unfinished=0.0)  # fmt: skip
    # cut-off answers are judged, too, so that a model of random weights gets any reward
    return Grpo(model, tokenizer(), questions(), judge, questions(8), prompts=4, group=4, micro_rows=8,
                max_new_tokens=12)  # fmt: skip


NAMES = ("sft", "lora", "dpo", "ipo", "reward", "classify", "ppo", "grpo")


@pytest.mark.parametrize("name", NAMES)
def test_going_on_changes_nothing(name):
    config = TuningConfig(6, 3e-3)
    straight = Tuner(method(name), config)
    losses = [straight.train_step() for _ in range(6)]
    first = Tuner(method(name), config)
    assert [first.train_step() for _ in range(3)] == losses[:3]
    state = first.state()
    first.train_step()  # what comes after the copy doesn't touch it
    second = Tuner(method(name), config)
    second.method.measure()  # nor does measuring
    second.restore(state, 3)
    assert [second.train_step() for _ in range(3)] == losses[3:]
    for ours, theirs in zip(second.weights.values(), straight.weights.values(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("name", ["sft", "lora", "dpo", "ipo", "reward", "classify"])
def test_learning_lowers_the_loss(name):
    tuner = Tuner(method(name), TuningConfig(40, 2e-2 if name == "lora" else 3e-3))
    losses = [tuner.train_step() for _ in range(40)]
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])


@pytest.mark.parametrize("name", ["grpo"])
def test_reward_rises(name):
    tuner = Tuner(method(name), TuningConfig(40, 3e-3))
    rewards = []
    for _ in range(40):
        tuner.train_step()
        rewards.append(tuner.method.numbers["reward"])
    assert sum(rewards[-8:]) > 2 * sum(rewards[:8])


def test_ppo_raises_the_reward():
    made = method("ppo")
    made.unfinished = 0.0

    def judge(answers):  # of finished answers only: ending at all is what there is to learn
        return [1.0] * len(answers)

    made.judge = judge
    tuner = Tuner(made, TuningConfig(40, 3e-3))
    rewards = []
    for _ in range(40):
        tuner.train_step()
        rewards.append(made.numbers["reward"])
    assert sum(rewards[-8:]) > 2 * sum(rewards[:8]) + 0.1


def test_the_reference_stays():
    for name in ("dpo", "grpo", "ppo"):
        made: Any = method(name)
        before = deepcopy(made.reference.state_dict())
        Tuner(made, TuningConfig(2, 3e-3)).train_step()
        for key, value in made.reference.state_dict().items():
            assert torch.equal(value, before[key])
        assert not any(each.requires_grad for each in made.reference.parameters())


def test_micro_batches_change_nothing():
    """Gradients of the parts add up to those of the whole."""
    losses = []
    for micro in (1, 3, 24):
        model = base()
        tuner = Tuner(Sft(model, chats(), per_step=24, length=100, micro_rows=micro), TuningConfig(3, 1e-3))
        losses.append([tuner.train_step() for _ in range(3)])
    assert losses[0] == pytest.approx(losses[2], abs=1e-4) and losses[1] == pytest.approx(losses[2], abs=1e-4)


def test_bad_states_and_settings():
    tuner = Tuner(method("sft"), TuningConfig(3, 1e-3))
    state = tuner.state()
    name = next(iter(tuner.weights))
    for wrong in ({}, state | {f"weight.{name}": torch.zeros(3)}):
        with pytest.raises(Problem, match="missing or of another shape"):
            tuner.restore(wrong, 1)
    for changes in ({"steps": 0}, {"learning_rate": 0.0}, {"clip_norm": float("inf")}, {"final_share": 2.0},
                    {"weight_decay": -1.0}, {"warmup_steps": -1}):  # fmt: skip
        with pytest.raises(Problem, match="must be"):
            TuningConfig(**({"steps": 1, "learning_rate": 1e-3} | changes))
    with pytest.raises(Problem, match="group must be 2 or more"):
        Grpo(base(), tokenizer(), questions(), checker("arithmetic"), group=1)


def test_a_loss_that_is_no_number_ends_the_run():
    tuner = Tuner(method("sft"), TuningConfig(3, 1e-3))
    with torch.no_grad():
        next(iter(tuner.weights.values())).fill_(float("nan"))
    with pytest.raises(Problem, match="the loss became nan in step 1"):
        tuner.train_step()
