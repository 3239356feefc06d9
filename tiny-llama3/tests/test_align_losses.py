"""The losses of alignment against those of `trl` 1.16 (and, for PPO, of trl 0.15), written out here from their
definitions, on random tensors."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from tiny_base import base, pairs
from tiny_llama3.align.dpo import Dpo, dpo_loss, ipo_loss
from tiny_llama3.align.grpo import group_advantages, grpo_loss
from tiny_llama3.align.log_probability import answer_log_probabilities
from tiny_llama3.align.ppo import generalised_advantages, policy_loss, value_loss, whitened
from tiny_llama3.align.reward import bradley_terry_loss
from tiny_llama3.align.rows import one_a_row
from tiny_llama3.problem import Problem

seeds = st.integers(0, 10_000)


def close(ours, theirs):
    torch.testing.assert_close(ours, torch.as_tensor(theirs, dtype=ours.dtype), atol=1e-5, rtol=1e-5)


def random_tokens(seed, rows=5, length=12):
    """Log-probabilities of three models, and a mask of answers that begin and end anywhere."""
    rng = torch.Generator().manual_seed(seed)
    three = [-torch.rand(rows, length, generator=rng) * 3 for _ in range(3)]
    mask = torch.zeros(rows, length, dtype=torch.bool)
    for row in range(rows):
        start = int(torch.randint(0, length - 2, (), generator=rng))
        mask[row, start : int(torch.randint(start + 1, length + 1, (), generator=rng))] = True
    return *three, mask, rng


@given(seed=seeds, beta=st.sampled_from([0.05, 0.1, 0.5]))
def test_dpo_and_ipo(seed, beta):
    """trl: per-sequence sums; `sigmoid` is -log σ(β Δ), `ipo` compares means a token with 1 / 2β."""
    policy, reference, _, mask, _ = random_tokens(seed, rows=8)
    scores = ((policy - reference) * mask).sum(1)
    chosen, rejected = scores.chunk(2)
    delta = chosen - rejected
    close(dpo_loss(chosen, rejected, beta), -functional.logsigmoid(beta * delta))
    close(dpo_loss(chosen, rejected, beta), torch.log1p(torch.exp(-beta * delta)))
    lengths = mask.sum(1)
    c, r = (scores / lengths).chunk(2)
    close(ipo_loss(c, r, beta), (c - r - 1 / (2 * beta)) ** 2)


@pytest.mark.parametrize("loss", ["dpo", "ipo"])
def test_the_method_computes_that_loss(loss):
    """From two models and raw token ids, without any of the method's own steps."""
    model, given_pairs = base(0), pairs(6)
    method = Dpo(model, given_pairs, given_pairs, loss=loss, beta=0.3, per_step=6, micro_pairs=4)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.01)
    expected = []
    with torch.no_grad():
        for pair in given_pairs:
            ratios, lengths = [], []
            for chat in (pair.chosen, pair.rejected):
                ids = torch.tensor([chat.ids])
                both = [m(ids[:, :-1]).log_softmax(-1) for m in (model, method.reference)]
                learnt = [t for t in range(1, len(chat.ids)) if chat.learnt[t]]
                ratios.append(sum(float(both[0][0, t - 1, ids[0, t]] - both[1][0, t - 1, ids[0, t]]) for t in learnt))
                lengths.append(len(learnt))
            if loss == "dpo":
                expected.append(float(np.log1p(np.exp(-0.3 * (ratios[0] - ratios[1])))))
            else:
                expected.append((ratios[0] / lengths[0] - ratios[1] / lengths[1] - 1 / 0.6) ** 2)
    (parts,) = method.updates(0)
    assert float(sum(parts)) == pytest.approx(float(np.mean(expected)), abs=1e-4)
    assert method.measure()["validation_loss"] == pytest.approx(float(np.mean(expected)), abs=1e-4)


def test_at_the_beginning_dpo_knows_nothing():
    method = Dpo(base(), pairs(4), per_step=4)
    (parts,) = method.updates(0)
    assert float(sum(parts)) == pytest.approx(float(np.log(2)), abs=1e-5)


def test_dpo_counts_sums_not_means():
    """An answer of twice the tokens has twice the say."""
    model = base()
    short, long = (chat for pair in pairs(1) for chat in (pair.rejected, pair.chosen))
    with torch.no_grad():
        sums = answer_log_probabilities(model, one_a_row([short, long]))
    assert not torch.allclose(sums, sums / torch.tensor([sum(short.learnt), sum(long.learnt)]))


@given(seed=seeds)
def test_reward_model_loss(seed):
    rng = torch.Generator().manual_seed(seed)
    chosen, rejected = torch.randn(2, 7, generator=rng) * 3
    close(bradley_terry_loss(chosen, rejected), -torch.log(torch.sigmoid(chosen - rejected)))


@given(seed=seeds, gamma=st.sampled_from([1.0, 0.99, 0.9]), lam=st.sampled_from([0.95, 1.0, 0.5]))
def test_generalised_advantages(seed, gamma, lam):
    """trl's backward loop, on the answer cut out of its row."""
    rewards, values, _, mask, _ = random_tokens(seed)
    advantages, returns = generalised_advantages(rewards, values, mask, gamma, lam)
    for row in range(len(mask)):
        places = mask[row].nonzero()[:, 0].tolist()
        r, v = rewards[row, places].double().numpy(), values[row, places].double().numpy()
        last, expected = 0.0, np.zeros(len(places))
        for t in reversed(range(len(places))):
            following = v[t + 1] if t < len(places) - 1 else 0.0
            last = r[t] + gamma * following - v[t] + gamma * lam * last
            expected[t] = last
        close(advantages[row, places], expected)
        close(returns[row, places], expected + v)
        assert not advantages[row, ~mask[row]].any()


@given(seed=seeds)
def test_whitening(seed):
    values, _, _, mask, _ = random_tokens(seed)
    if mask.sum() < 3:
        return
    chosen = values[mask]
    expected = (chosen - chosen.mean()) * torch.rsqrt(chosen.var(unbiased=True) + 1e-8)
    close(whitened(values, mask)[mask], expected)


@given(seed=seeds, clip=st.sampled_from([0.1, 0.2]))
def test_ppo_losses(seed, clip):
    """trl: maxima of the negated, masked means; values clipped around the old ones; half of the squares."""
    new, old, returns, mask, rng = random_tokens(seed)
    advantages = torch.randn(new.shape, generator=rng)
    ratio = torch.exp(new - old)
    worst = torch.max(-advantages * ratio, -advantages * torch.clamp(ratio, 1.0 - clip, 1.0 + clip))
    close(policy_loss(new, old, advantages, mask, clip), worst[mask].mean())
    clipped = torch.clamp(new, old - clip, old + clip)
    squares = torch.max(torch.square(new - returns), torch.square(clipped - returns))
    close(value_loss(new, old, returns, mask, clip), 0.5 * squares[mask].mean())


def test_clipping_ends_the_pull():
    """Beyond the clip, a good token's gradient is zero; within it is not."""
    old, mask = torch.zeros(1, 2), torch.ones(1, 2, dtype=torch.bool)
    new = torch.tensor([[0.5, 0.05]], requires_grad=True)
    policy_loss(new, old, torch.ones(1, 2), mask, 0.2).backward()
    assert new.grad is not None and new.grad[0, 0] == 0 and new.grad[0, 1] < 0


@given(seed=seeds, group=st.sampled_from([2, 4]))
def test_group_advantages(seed, group):
    rewards = torch.rand(8, generator=torch.Generator().manual_seed(seed))
    grouped = rewards.view(-1, group)
    mean, std = (each.repeat_interleave(group) for each in (grouped.mean(1), grouped.std(1)))
    close(group_advantages(rewards, group), (rewards - mean) / (std + 1e-4))
    assert not group_advantages(torch.ones(8), group).any()


@given(seed=seeds, beta=st.sampled_from([0.0, 0.04]), clip=st.sampled_from([0.2]))
def test_grpo_loss(seed, beta, clip):
    """trl with loss_type="grpo": the k3 estimate of the KL, mean over each answer, mean over the answers."""
    new, old, reference, mask, rng = random_tokens(seed)
    advantages = torch.randn(len(new), generator=rng)
    kl = torch.exp(reference - new) - (reference - new) - 1
    first = torch.exp(new - old)
    second = torch.clamp(first, 1 - clip, 1 + clip)
    per_token = -torch.min(first * advantages[:, None], second * advantages[:, None]) + beta * kl
    expected = ((per_token * mask).sum(-1) / mask.sum(-1).clamp(min=1.0)).mean()
    close(grpo_loss(new, old, reference, advantages, mask, clip, beta).mean(), expected)


def test_refusals():
    with pytest.raises(Problem, match="loss must be dpo or ipo"):
        Dpo(base(), pairs(2), loss="kto")
    with pytest.raises(Problem, match="beta must be above 0"):
        Dpo(base(), pairs(2), beta=0.0)
