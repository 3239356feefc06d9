"""Rows of conversations: nothing is lost, nobody sees another, and padding changes nothing."""

import random
from collections import Counter

import torch
from hypothesis import given
from hypothesis import strategies as st

from tiny_base import base, chats, pairs
from tiny_llama3.align.log_probability import answer_log_probabilities, token_log_probabilities
from tiny_llama3.align.rows import batch_of_rows, mask_of, one_a_row, order, packed
from tiny_llama3.align.sft import Sft
from tiny_llama3.chat_template import Chat
from tiny_llama3.loss import IGNORED

chat = st.lists(st.tuples(st.integers(1, 250), st.booleans()), min_size=2, max_size=20).map(
    lambda tokens: Chat([id for id, _ in tokens], [learnt for _, learnt in tokens])
)


@given(given_chats=st.lists(chat, min_size=1, max_size=12), extra=st.integers(0, 30), seed=st.integers(0, 5))
def test_packing_loses_nothing(given_chats, extra, seed):
    length = max(len(each.ids) for each in given_chats) - 1 + extra
    rows = packed(given_chats, length, random.Random(seed))
    assert Counter(map(id, given_chats)) == Counter(id(each) for row in rows for each in row)
    batch = batch_of_rows(rows, length)
    assert batch.ids_BT.shape == (len(rows), length)
    # every learnt token is a target exactly once, read off where the token before it stands
    wanted = Counter(each.ids[t] for each in given_chats for t in range(1, len(each.ids)) if each.learnt[t])
    assert Counter(batch.targets_BT[mask_of(batch)].tolist()) == wanted
    for row, found in zip(rows, range(len(rows)), strict=True):
        for document, each in enumerate(row):
            where = batch.documents_BT[found] == document
            assert batch.ids_BT[found][where].tolist() == each.ids[:-1]
            targets = [id if learnt else IGNORED for id, learnt in zip(each.ids[1:], each.learnt[1:], strict=True)]
            assert batch.targets_BT[found][where].tolist() == targets


@torch.no_grad()
def test_packed_or_alone_is_the_same():
    """Neither neighbours nor padding change what the model thinks of an answer."""
    model, given_chats = base(), chats(12)
    alone = torch.cat([answer_log_probabilities(model, one_a_row([each])) for each in given_chats])
    padded = answer_log_probabilities(model, one_a_row(given_chats))
    torch.testing.assert_close(padded, alone, atol=1e-4, rtol=0)
    batch = batch_of_rows(packed(given_chats, 250, random.Random(0)), 250)
    together = token_log_probabilities(model, batch).sum()
    torch.testing.assert_close(together, alone.sum(), atol=1e-3, rtol=0)


@torch.no_grad()
def test_log_probabilities_equal_the_full_softmax():
    model, batch = base(), one_a_row([pair.rejected for pair in pairs(8)])
    log_p_BTV = model(batch.ids_BT, batch.documents_BT).log_softmax(-1)
    expected = log_p_BTV.gather(2, batch.targets_BT.clamp(min=0)[..., None])[..., 0] * mask_of(batch)
    torch.testing.assert_close(token_log_probabilities(model, batch), expected, atol=1e-5, rtol=0)


def test_the_prompt_does_not_teach():
    """The loss of fine-tuning is the mean over the assistant's tokens; what the user said has no part in it."""
    model, given_chats = base(), chats(10)
    method = Sft(model, given_chats, per_step=10, length=200)
    (parts,) = method.updates(0)
    loss = sum(parts)
    batch = one_a_row(given_chats)
    wanted = -token_log_probabilities(model, batch).sum() / mask_of(batch).sum()
    torch.testing.assert_close(loss, wanted, atol=1e-5, rtol=0)


@given(count=st.integers(1, 30), per_step=st.integers(1, 40), steps=st.integers(1, 6), seed=st.integers(0, 3))
def test_every_example_comes_before_any_comes_again(count, per_step, steps, seed):
    taken = [place for step in range(steps) for place in order(count, per_step, step, seed)]
    assert len(taken) == per_step * steps
    for start in range(0, len(taken) - count + 1, count):
        assert sorted(taken[start : start + count]) == list(range(count))
