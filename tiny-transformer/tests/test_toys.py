"""Copy, reverse, sort: the targets are what the names say, and nothing of the test occurs in training."""

import pytest

from tiny_transformer.tasks.toys import LETTERS, LONGEST, toy_task

BY_HAND = {
    "copy": lambda text: text,
    "reverse": lambda text: "".join(text[i] for i in range(len(text) - 1, -1, -1)),
    "sort": lambda text: "".join(letter * text.count(letter) for letter in LETTERS),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_the_pairs_are_right_and_apart(name):
    task = toy_task(name)
    parts = [task.train, task.valid, task.test]
    assert [len(part) for part in parts] == [10_000, 500, 500]
    pairs = [pair for part in parts for pair in part]
    assert all(target == BY_HAND[name](source) for source, target in pairs)
    assert len({source for source, _ in pairs}) == 11_000
    assert {len(source) for source, _ in pairs} == set(range(3, LONGEST + 1))
    # no part is all of one kind: they were mixed
    for part in parts:
        assert {source[0] for source, _ in part} == set(LETTERS)
    assert task.source_vocabulary is task.target_vocabulary
    assert task.source_vocabulary.decode(task.source_vocabulary.encode(LETTERS)) == LETTERS
    assert task.encoded([("ab", "b")]) == [([4, 5], [5])]


def test_the_seed_decides():
    assert toy_task("copy", 3).train == toy_task("copy", 3).train != toy_task("copy", 4).train


def test_no_other_name():
    with pytest.raises(ValueError, match="no toy task 'shuffle'; there are copy, reverse, sort"):
        toy_task("shuffle")
