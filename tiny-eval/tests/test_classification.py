"""Classification against LongBench's definition, with its fault and without, written down here a second time."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiny_eval.metrics import SCORERS

classification = SCORERS["classification"]
CLASSES = [
    "ice",
    "cream",
    "ice cream",
    "ice cream tart",
    "tart",
    "a",
    "体育",
    "体育新闻",
    "新闻",
    "",
    "Ice",
    "art",
    "e c",
]
some_classes = st.lists(st.sampled_from(CLASSES), min_size=1, max_size=8)


def reference(pred, answer, classes, faulty):
    named = [name for name in classes if name in pred]
    # the fault: a Python list is changed inside the loop that runs over it
    for name in named if faulty else list(named):
        if name in answer and name != answer:
            named.remove(name)
    return 1 / len(named) if answer in named else 0.0


def example(rng):
    classes = rng.choices(CLASSES, k=rng.randint(1, 10))
    answer = rng.choice(classes if rng.random() < 0.9 else CLASSES)
    pred = rng.choice([" ", "", ", "]).join(rng.choices([*CLASSES, "no", "。"], k=rng.randint(0, 6)))
    return pred, answer, classes


def test_5000_rows_score_as_in_longbench_and_as_it_was_meant():
    rng = random.Random(41)
    differ = 0
    for _ in range(5_000):
        pred, answer, classes = example(rng)
        faulty, meant = (reference(pred, answer, classes, fault) for fault in (True, False))
        assert classification(pred, [answer], all_classes=classes, compat=True) == pytest.approx(faulty, abs=1e-9)
        assert classification(pred, [answer], all_classes=classes) == pytest.approx(meant, abs=1e-9)
        differ += faulty != meant
    assert differ > 100


@given(st.lists(st.sampled_from(CLASSES)).map(" ".join), st.sampled_from(CLASSES), some_classes)
def test_any_row_scores_as_in_longbench(pred, answer, classes):
    theirs = reference(pred, answer, classes, faulty=True)
    assert classification(pred, [answer], all_classes=classes, compat=True) == pytest.approx(theirs, abs=1e-9)


def test_the_examples_by_hand():
    classes = ["ice", "cake", "ice cream"]
    assert classification("Ice cream or cake? ice cream", ["ice cream"], all_classes=classes) == 1 / 2
    tart = {"all_classes": ["ice", "cream", "ice cream tart"]}
    assert classification("ice cream tart", ["ice cream tart"], **tart) == 1
    assert classification("ice cream tart", ["ice cream tart"], **tart, compat=True) == 1 / 2


def test_no_class_or_a_wrong_one_gets_nothing():
    classes = ["location", "person"]
    for pred in ("", "Location", "person"):
        assert classification(pred, ["location"], all_classes=classes) == 0
        assert classification(pred, ["location"], all_classes=classes, compat=True) == 0
    assert classification("location, person", ["location"], all_classes=classes) == 1 / 2


def test_the_best_reference_counts():
    assert classification("person", ["location", "person"], all_classes=["location", "person"]) == 1


@pytest.mark.parametrize("classes", [None, []])
def test_without_the_names_of_the_classes_there_is_no_score(classes):
    with pytest.raises(ValueError, match="all_classes is"):
        classification("person", ["person"], all_classes=classes)
