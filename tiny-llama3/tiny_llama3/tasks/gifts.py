"""Short texts with a label, for classification: who has the gift in the end, the one named first or second?

    The fox gave the rabbit a ball.              second
    The mouse got a cup from the hen.            first

The same words in another order have another label, so counting words helps only where one word gives it away.
"""

import random
from collections.abc import Sequence

from tiny_llama3.problem import Problem
from tiny_llama3.tasks.exercise import LANGUAGES, is_test

LABELS = ("first", "second")
ANIMALS = {"en": ("fox", "rabbit", "mouse", "hen", "bear", "cat", "dog", "owl", "goat", "duck"),
           "zh": ("狐狸", "兔子", "老鼠", "母鸡", "小熊", "小猫", "小狗", "山羊", "鸭子", "松鼠")}  # fmt: skip
THINGS = {"en": ("ball", "cup", "hat", "book", "bell", "kite", "drum", "cake"),
          "zh": ("皮球", "杯子", "帽子", "书", "铃铛", "风筝", "小鼓", "蛋糕")}  # fmt: skip
# One change of hands, by who gets the thing: the one named first or second.
ONCE = {
    "en": {"second": ("The {a} gave the {b} a {t}.", "The {a} sent a {t} to the {b}.",
                      "The {a} lost a {t}, and the {b} found it."),
           "first": ("The {a} got a {t} from the {b}.", "The {a} was given a {t} by the {b}.",
                     "The {a} found the {t} that the {b} lost.")},
    "zh": {"second": ("{a}送给{b}一件礼物，是{t}。", "{a}把{t}给了{b}。", "{a}丢了{t}，{b}捡到了。"),
           "first": ("{a}从{b}那里得到了{t}。", "{a}收到了{b}送的{t}。", "{a}捡到了{b}丢的{t}。")},
}  # fmt: skip
# Then it may go back, which turns the label round.
BACK = {"en": {"second": " Then the {b} gave it back.", "first": " Then the {a} gave it back."},
        "zh": {"second": "后来{b}还了回去。", "first": "后来{a}还了回去。"}}  # fmt: skip
KEPT = {"en": {"second": " Then the {b} went home.", "first": " Then the {a} went home."},
        "zh": {"second": "后来{b}回家了。", "first": "后来{a}回家了。"}}  # fmt: skip


def labelled(count: int, language: str, seed: int = 0, split: str = "train") -> list[tuple[str, str]]:
    """So many texts with their labels; a larger count only appends. Raises Problem for other names."""
    if language not in (*LANGUAGES, "both"):
        raise Problem(f"there are no texts in {language!r}; choose en, zh or both")
    if split not in ("train", "test"):
        raise Problem(f"split must be train or test (got {split!r}); change it")
    languages: Sequence[str] = LANGUAGES if language == "both" else (language,)
    chance = random.Random(f"gifts {language} {split} {seed}")
    made: list[tuple[str, str]] = []
    while len(made) < count:
        text, label = _make(chance, chance.choice(languages))
        if is_test(text) == (split == "test"):
            made.append((text, label))
    return made


def _make(chance: random.Random, language: str) -> tuple[str, str]:
    a, b = chance.sample(ANIMALS[language], 2)
    receiver = chance.choice(LABELS)
    ending = chance.choice((BACK, KEPT))
    template = chance.choice(ONCE[language][receiver]) + ending[language][receiver]
    back = ending is BACK
    label = receiver if not back else LABELS[1 - LABELS.index(receiver)]
    return template.format(a=a, b=b, t=chance.choice(THINGS[language])), label
