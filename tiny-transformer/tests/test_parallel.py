"""The translation task: what is held out, and whose texts the vocabulary is learned from."""

import pytest

from conftest import sentences
from tiny_transformer.bpe import BPE, FIRST_MERGE
from tiny_transformer.problem import Problem
from tiny_transformer.tasks.parallel import parallel_task

PAIRS = [(f"{source} {number}", f"{target} {number}") for number, (source, target) in enumerate(sentences(200))]


def test_a_twentieth_is_held_out():
    task = parallel_task(PAIRS, vocab_size=300)
    assert len(task.valid) == 10 and task.test == []
    assert sorted(task.train + task.valid) == sorted(PAIRS)
    assert task.valid != PAIRS[-10:] and task.valid != PAIRS[:10]
    again, other = parallel_task(PAIRS, vocab_size=300), parallel_task(PAIRS, vocab_size=300, seed=1)
    assert again.train == task.train and again.valid == task.valid != other.valid


@pytest.mark.parametrize(("count", "held_out"), [(2, 1), (20, 1), (21, 2), (30_000, 1000)])
def test_how_many_are_held_out(count, held_out):
    task = parallel_task([(str(number), "x") for number in range(count)], vocab_size=FIRST_MERGE)
    assert (len(task.valid), len(task.train)) == (held_out, count - held_out)


def test_own_validation_texts_are_kept():
    task = parallel_task(PAIRS[:50], PAIRS[50:60], vocab_size=300)
    assert (task.train, task.valid) == (PAIRS[:50], PAIRS[50:60])


def test_one_vocabulary_learned_on_both_sides_of_training_alone():
    ticks = []
    task = parallel_task(PAIRS[:50], [("zzzz zzzz", "zzzz zzzz")], 300, tick=lambda: ticks.append(1))
    expected = BPE.train([text for pair in PAIRS[:50] for text in pair], 300)
    assert task.source_vocabulary is task.target_vocabulary
    assert task.source_vocabulary.as_json() == expected.as_json()
    assert len(ticks) == 300 - FIRST_MERGE
    assert task.tokens_in(("zzzz", "z")) == 4 and task.tokens_in(("z", "zzz")) == 3
    assert task.metric == "bleu"


def test_one_pair_is_too_few():
    with pytest.raises(Problem, match="1 pair is too few to hold some out; give two or more, or validation files"):
        parallel_task(PAIRS[:1])
    with pytest.raises(Problem, match=r"vocab_size must be 259 or more, for the bytes \(got 100\)"):
        parallel_task(PAIRS, vocab_size=100)
