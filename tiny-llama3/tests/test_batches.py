"""Windows of the stream: every token is seen, the order depends on seed and step alone, documents are told apart."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tiny_llama3.batches import Batches, batch_of, in_order
from tiny_llama3.loss import IGNORED
from tiny_llama3.problem import Problem


class Stream:
    def __init__(self, tokens):
        self.tokens = np.asarray(tokens, dtype=np.uint16)

    def __len__(self):
        return len(self.tokens)

    def slice(self, start, stop):
        assert 0 <= start < stop <= len(self.tokens)
        return self.tokens[start:stop]


@given(st.integers(2, 300), st.integers(1, 20), st.integers(1, 5), st.integers(0, 9))
def test_an_epoch_shows_each_window_once(count, length, rows, seed):
    stream = Stream(range(count))
    if count < length + 1:
        with pytest.raises(Problem, match="tokens, one row needs"):
            Batches(stream, length, rows, None, seed)
        return
    batches = Batches(stream, length, rows, None, seed)
    steps = -(-batches.windows // rows)
    seen = torch.cat([batches.rows_of(step, 0, rows).ids_BT for step in range(steps)])[: batches.windows]
    flat = seen.flatten().tolist()
    assert len(set(flat)) == len(flat) == batches.windows * length  # no token twice
    assert max(flat) - min(flat) + 1 == len(flat)  # one stretch of the stream
    assert count - len(flat) <= 2 * length


def test_the_next_token_is_the_target():
    batch = Batches(Stream(range(100)), 8, 3, None, 0).rows_of(5, 0, 3)
    assert torch.equal(batch.targets_BT, batch.ids_BT + 1)
    assert not batch.documents_BT.any()


def test_rows_depend_on_seed_and_step_only():
    stream = Stream(np.random.default_rng(0).integers(0, 60_000, 5_000))
    whole, parts = Batches(stream, 16, 6, None, 3), Batches(stream, 16, 6, None, 3)
    rows = {step: whole.rows_of(step, 0, 6).ids_BT for step in range(200)}
    for step in (150, 7, 199, 0):  # in any order, in parts, as several processes take them
        again = torch.cat([parts.rows_of(step, 0, 2).ids_BT, parts.rows_of(step, 2, 4).ids_BT])
        assert torch.equal(again, rows[step])
    assert not torch.equal(Batches(stream, 16, 6, None, 4).rows_of(0, 0, 6).ids_BT, rows[0])
    epoch = whole.windows // 6
    assert not torch.equal(rows[0], rows[epoch])


def test_documents_are_counted_and_their_first_token_is_no_target():
    batch = batch_of([np.array([5, 6, 0, 7, 8, 0, 9])], first_id=0)
    assert batch.ids_BT.tolist() == [[5, 6, 0, 7, 8, 0]]
    assert batch.targets_BT.tolist() == [[6, IGNORED, 7, 8, IGNORED, 9]]
    assert batch.documents_BT.tolist() == [[0, 0, 1, 1, 1, 2]]


@given(st.integers(2, 200), st.integers(1, 20), st.integers(1, 4))
def test_in_order_asks_every_token_once(count, length, rows):
    if count < length + 1:
        with pytest.raises(Problem):
            in_order(Stream(range(count)), length, rows, None)
        return
    asked = [target for batch in in_order(Stream(range(count)), length, rows, None)
             for target in batch.targets_BT.flatten().tolist() if target != IGNORED]  # fmt: skip
    assert asked == list(range(1, count))


def test_in_order_stops_after_so_many_rows():
    batches = in_order(Stream(range(100)), 10, 4, None, most_rows=6)
    assert [len(batch.ids_BT) for batch in batches] == [4, 2]


def documents_of(lengths):
    return Stream([token for length in lengths for token in (0, *range(1, length))])


@given(st.lists(st.integers(2, 12), min_size=20, max_size=40), st.integers(24, 30), st.integers(0, 5))
def test_rows_begin_with_a_document_where_documents_are_short(lengths, length, seed):
    stream = documents_of(lengths)
    batches = Batches(stream, length, 2, 0, seed)
    rows = torch.cat([batches.rows_of(step, 0, 2).ids_BT for step in range(6)])
    assert not rows[:, 0].any()
    without = Batches(stream, length, 2, None, seed)
    assert torch.cat([without.rows_of(step, 0, 2).ids_BT[:, 0] for step in range(6)]).any()


@given(st.lists(st.integers(2, 12), min_size=20, max_size=40), st.integers(24, 30), st.integers(1, 3))
def test_in_order_asks_every_token_once_and_with_all_of_its_document_before_it(lengths, length, rows):
    stream = documents_of(lengths)
    asked = []
    for batch in in_order(stream, length, rows, 0):
        for ids, targets in zip(batch.ids_BT.tolist(), batch.targets_BT.tolist(), strict=True):
            for place, target in enumerate(targets):
                if target != IGNORED:
                    asked.append(target)
                    assert ids[place + 1 - target : place + 1] == list(range(target))
    assert asked == [token for token in stream.tokens.tolist() if token]


def test_in_a_long_document_rows_begin_anywhere():
    stream = Stream([0, *range(1, 401)])
    moved, plain = (Batches(stream, 10, 30, first_id, 0).rows_of(0, 0, 30).ids_BT for first_id in (0, None))
    differ = (moved != plain).any(1)
    assert differ.sum() <= 1 and (moved[differ, 0] == 0).all()
