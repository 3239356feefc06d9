"""Classification: the texts, the model, and the bag of words that it must beat."""

import math

import pytest
import torch

from tiny_base import base, tokenizer
from tiny_llama3.align.chat_files import Labelled
from tiny_llama3.align.classify import BagOfWords, Classify, label_names, words
from tiny_llama3.align.scorer import from_base
from tiny_llama3.align.tuning import Tuner, TuningConfig
from tiny_llama3.problem import Problem
from tiny_llama3.tasks.exercise import is_test
from tiny_llama3.tasks.gifts import LABELS, labelled


@pytest.mark.parametrize("language", ["en", "zh", "both"])
def test_gifts(language):
    train, test = (labelled(600, language, split=split) for split in ("train", "test"))
    assert labelled(50, language) == train[:50]
    assert not {text for text, _ in train} & {text for text, _ in test}
    assert all(is_test(text) for text, _ in test) and not any(is_test(text) for text, _ in train)
    for label in LABELS:
        assert 200 < sum(found == label for _, found in train) < 400
    counted = BagOfWords([Labelled(*each) for each in train]).accuracy([Labelled(*each) for each in test])
    assert counted < 0.65  # the words don't tell
    for wrong in (("de",), (language, 0, "dev")):
        with pytest.raises(Problem):
            labelled(1, *wrong)


def test_gifts_by_hand():
    for text, label in labelled(300, "en"):
        first, second = [word for word in text.lower().replace(".", "").replace(",", "").split()
                         if f" {word} " in " fox rabbit mouse hen bear cat dog owl goat duck "][:2]  # fmt: skip
        gets_it = {"gave": second, "sent": second, "lost": second, "got": first, "was": first, "found": first}
        holder = gets_it[text.lower().split()[2]]
        if text.endswith("it back."):
            holder = first if holder == second else second
        assert label == ("first" if holder == first else "second"), text


def test_bag_of_words_by_hand():
    """Two texts each: p(label) times the smoothed frequency of each known word."""
    texts = [Labelled("good good film", "up"), Labelled("a film", "up"), Labelled("bad film", "down")]
    bag = BagOfWords(texts)
    # up: 2/3 * (2 + 1) / (5 + 4) for "good", down: 1/3 * (0 + 1) / (2 + 4)
    assert math.log(2 / 3 * 3 / 9) > math.log(1 / 3 * 1 / 6)
    assert bag.predict("good") == "up" and bag.predict("bad bad") == "down"
    assert bag.predict("unheard of") == "up"  # only the labels' frequency is left
    assert bag.accuracy(texts) == 1.0
    assert words("猫 sat, it's 12!") == ["猫", "sat", "it", "s", "12"]


def test_it_learns_and_predicts():
    texts = [Labelled(f"{number} {'+' if number % 2 else '-'} {number}", str(number % 2)) for number in range(10, 60)]
    scorer = from_base(base(), label_names(texts))
    method = Classify(scorer, tokenizer(), texts, texts, per_step=16)
    tuner = Tuner(method, TuningConfig(60, 3e-3))
    first = method.measure()
    for _ in range(60):
        tuner.train_step()
    last = method.measure()
    assert first["validation_loss"] == pytest.approx(math.log(2), abs=1e-3)
    assert last["accuracy"] > 0.95 and last["validation_loss"] < 0.3
    assert method.predict([texts[0].text]) == [texts[0].label]


def test_refusals():
    with pytest.raises(Problem, match="two labels at least"):
        label_names([Labelled("a", "x"), Labelled("b", "x")])
    with pytest.raises(Problem, match="'z' is not one of x, y"):
        Classify(from_base(base(), ["x", "y"]), tokenizer(), [Labelled("a", "z")])


@torch.no_grad()
def test_long_texts_are_read_from_the_beginning():
    method = Classify(from_base(base(), ["x", "y"]), tokenizer(), [Labelled("a b c " * 300, "x")], per_step=1)
    (parts,) = method.updates(0)
    assert math.isfinite(float(sum(parts)))
