"""Data and the first rungs: makemore's split, batches that lose nothing, counts that equal the net and a loop."""

import math
import random
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tiny_transformer.foundations import bigram, fit, names, skip_bigram
from tiny_transformer.foundations.grammar import draw_names
from tiny_transformer.foundations.names import BOUNDARY, IGNORE, Names, by_length, inputs_and_targets, read_items
from tiny_transformer.foundations.ngram_mlp import NgramMLP
from tiny_transformer.problem import Problem

ITEMS = st.lists(st.text("abcd", min_size=1, max_size=7), min_size=20, max_size=60)


@pytest.fixture(scope="module")
def data():
    return Names.from_items(draw_names(600))


def test_items_are_the_lines_that_say_something(tmp_path):
    (tmp_path / "names").write_bytes("\ufeffzoë\r\n\r\n  li \n李\n".encode())
    assert read_items(tmp_path / "names") == ["zoë", "li", "李"]


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "empty"), (b" \n\n", "empty"), (b"ann\nzo\xeb\n", r"not UTF-8 \(byte 6\)")]
)
def test_files_that_cannot_be_learned_from(tmp_path, content, message):
    (tmp_path / "names").write_bytes(content)
    with pytest.raises(Problem, match=message):
        read_items(tmp_path / "names")


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (["ann"] * 19, "only 19 items"),
        (["ann"] * 20 + ["a" * 2_049], "2,049 characters"),
        ([chr(0x4E00 + i) for i in range(8_193)], "8,193 different"),
    ],
)
def test_items_that_cannot_be_split(items, message):
    with pytest.raises(Problem, match=message):
        Names.from_items(items)


@pytest.mark.parametrize("n", [20, 237, 12_000])
def test_the_split_is_makemores(n):
    """As its script does it: seed the global generator, permute, hold out the last tenth, a thousand at most."""
    items = [f"{i:x}" for i in range(n)]
    torch.manual_seed(3407)
    order = torch.randperm(n).tolist()
    held_out = min(1000, int(n * 0.1))
    split = Names.from_items(items)
    assert [split.decode(row[1:].tolist()) for row in split.validation] == [items[i] for i in order[-held_out:]]
    assert [split.decode(row[1:].tolist()) for row in split.train] == [items[i] for i in order[:-held_out]]


def test_encoding_by_hand():
    split = Names.from_items(["ab", "b"] * 10)
    assert (split.characters, split.vocab_size, split.longest) == ("ab", 3, 3)
    inputs, targets = inputs_and_targets([torch.tensor([0, 1, 2, 0]), torch.tensor([0, 2, 0])])
    assert inputs.tolist() == [[0, 1, 2], [0, 2, 0]]
    assert targets.tolist() == [[1, 2, 0], [2, 0, IGNORE]]


@given(ITEMS, st.integers(1, 40))
def test_batches_hold_every_item_once(items, tokens):
    encoded = Names.from_items(items).train
    batches = list(by_length(encoded, tokens))
    assert Counter(map(tuple, (row.tolist() for batch in batches for row in batch))) == Counter(
        map(tuple, (row.tolist() for row in encoded))
    )
    assert all(len(batch) == 1 or inputs_and_targets(batch)[0].numel() <= tokens for batch in batches)


def test_an_epoch_takes_every_item_and_the_next_another_order(data):
    stream = names.shuffled_batches(data.train, 256, torch.Generator().manual_seed(1))
    n_batches = len(list(by_length(data.train, 256)))
    epochs = [[next(stream)[1] for _ in range(n_batches)] for _ in range(2)]
    for epoch in epochs:
        rows = Counter(tuple(row[row != IGNORE].tolist()) for targets in epoch for row in targets)
        assert rows == Counter(tuple(row[1:].tolist()) for row in data.train)
    assert any(a.shape != b.shape or not torch.equal(a, b) for a, b in zip(*epochs, strict=True))


def test_the_loss_is_a_mean_over_tokens(data):
    """Summed item by item, without any batch; not a mean of means."""
    model = bigram.by_counting(data.train, data.vocab_size)
    total = count = 0.0
    for item in data.validation:
        for last, following in zip(item[:-1].tolist(), item[1:].tolist(), strict=True):
            total -= model.logits_VV[last].log_softmax(0)[following].item()
            count += 1
    assert fit.mean_loss(model, data.validation, tokens=100) == pytest.approx(total / count, abs=1e-5)


@given(ITEMS, st.floats(0.1, 3))
def test_counts_equal_a_loop(items, smoothing):
    split = Names.from_items(items)
    counts: Counter = Counter()
    for item in split.train:
        counts.update(zip(item[:-1].tolist(), item[1:].tolist(), strict=True))
    model = bigram.by_counting(split.train, split.vocab_size, smoothing)
    for last in range(split.vocab_size):
        total = sum(counts[last, b] for b in range(split.vocab_size)) + smoothing * split.vocab_size
        for following in range(split.vocab_size):
            expected = math.log((counts[last, following] + smoothing) / total)
            assert model.logits_VV[last, following].item() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("smoothing", [0.5, 1.0])
def test_the_net_ends_where_counting_does(data, smoothing):
    """The same loss on both parts, and the same probabilities."""
    counted = bigram.by_counting(data.train, data.vocab_size, smoothing)
    learned = bigram.by_learning(data.train, data.vocab_size, smoothing)
    for part in (data.train, data.validation):
        assert fit.mean_loss(learned, part) == pytest.approx(fit.mean_loss(counted, part), abs=1e-3)
    torch.testing.assert_close(learned.logits_VV.softmax(1), counted.logits_VV.softmax(1), atol=0.01, rtol=0)


def test_no_pair_is_impossible(data):
    with pytest.raises(ValueError, match="smoothing"):
        bigram.by_counting(data.train, data.vocab_size, smoothing=0)


@given(ITEMS)
def test_followers_equal_a_loop(items):
    split = Names.from_items(items)
    counts: Counter = Counter()
    for item in split.train:
        ids = [BOUNDARY, *item.tolist()]
        counts.update(zip(ids, ids[1:], ids[2:], strict=False))
    found = skip_bigram.followers(split.train, split.vocab_size)
    assert {tuple(row[:3]): row[3] for row in found.tolist()} == counts


def test_micrograds_loss_is_cross_entropy():
    rng = random.Random(0)
    logits = [skip_bigram.Value(rng.gauss(0, 2)) for _ in range(5)]
    tensor = torch.tensor([x.data for x in logits], dtype=torch.float64, requires_grad=True)
    share = torch.tensor([0.5, 0, 0.25, 0.25, 0], dtype=torch.float64)
    loss = skip_bigram.loss_of(logits, {0: 0.5, 2: 0.25, 3: 0.25})
    loss.backward()
    expected = torch.nn.functional.cross_entropy(tensor, share)
    assert loss.data == pytest.approx(expected.item(), abs=1e-6)
    assert [x.grad for x in logits] == pytest.approx(torch.autograd.grad(expected, tensor)[0].tolist(), abs=1e-6)


def test_micrograd_gets_below_the_bigram(data):
    counted = bigram.by_counting(data.train, data.vocab_size)
    model = skip_bigram.by_micrograd(data.train, data.vocab_size, torch.Generator().manual_seed(0), steps=60)
    assert fit.mean_loss(model, data.validation) < fit.mean_loss(counted, data.validation) - 0.03
    ids = torch.tensor([[0, 3, 2, 1]])
    expected = model.last_VV[2] + model.before_VV[3]
    torch.testing.assert_close(model(ids)[0, 2], expected)
    torch.testing.assert_close(model(ids)[0, 0], model.last_VV[0] + model.before_VV[BOUNDARY])


@pytest.mark.parametrize("window", [1, 3, 5])
def test_the_window_is_the_window(window):
    """Each position's logits, from its last characters alone; before the start stands the boundary."""
    torch.manual_seed(0)
    model = NgramMLP(6, window, 4, 8)
    ids = torch.randint(1, 6, (2, 9))
    logits = model(ids)
    for row in range(2):
        for t in range(9):
            context = ([BOUNDARY] * window + ids[row, : t + 1].tolist())[-window:]
            vector = torch.cat([model.embedding.weight[i] for i in context])
            torch.testing.assert_close(logits[row, t], model.output(model.hidden(vector).tanh()))


def test_the_rate_rises_and_falls():
    recipe = fit.Recipe(steps=100, learning_rate=1.0, warmup=0.1)
    rates = [recipe.rate_at(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(range(100), key=rates.__getitem__) == 9
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert rates[-1] < 0.001


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"learning_rate": 0}, {"warmup": 2}, {"weight_decay": -1}])
def test_recipes_refuse_nonsense(wrong):
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        fit.Recipe(**{"steps": 10, "learning_rate": 1e-3} | wrong)


def test_training_learns_and_is_seeded(data):
    losses = []
    for _ in range(2):
        torch.manual_seed(0)
        model = NgramMLP(data.vocab_size, d_hidden=32)
        before = fit.mean_loss(model, data.validation)
        fit.train(model, data.train, fit.Recipe(60, 0.01), torch.Generator().manual_seed(0))
        losses.append(fit.mean_loss(model, data.validation))
    assert losses[0] == losses[1] < before - 1


def test_draws_follow_the_model():
    """A model that says a, then b or the end: the draws are those, as often as it says."""
    logits = torch.tensor([[0.0, 1.0, 0.0], [0.25, 0.0, 0.75], [1.0, 0.0, 0.0]]).log()
    rows = fit.draw(bigram.Bigram(logits), 2_000, 5, torch.Generator().manual_seed(0))
    counts = Counter(map(tuple, rows))
    assert set(counts) == {(1,), (1, 2)}
    assert counts[1, 2] / 2_000 == pytest.approx(0.75, abs=0.03)


def test_draws_end_at_the_longest():
    endless = bigram.Bigram(torch.tensor([[0.0, 1.0], [0.0, 1.0]]).log())
    assert fit.draw(endless, 2, 4, torch.Generator()) == [[1] * 4] * 2
