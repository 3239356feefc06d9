"""Say a sentence again under a constraint: in so many words, in capitals, without the colours, in the past.

    Say it in 4 words: the little red fox sleeps in the warm garden       the fox sleeps garden

Many answers are right, which a single reference could not tell; the check asks for the constraint and nothing else.
"""

import random
import re

from tiny_llama3.problem import Problem

COLOURS = {"en": ("red", "blue", "green", "white", "black", "brown", "grey", "yellow"),
           "zh": ("红", "蓝", "绿", "白", "黑", "黄", "灰", "紫")}  # fmt: skip
SIZES = {"en": ("little", "big", "old", "young", "quick", "shy"), "zh": ("小", "大", "老", "胖", "瘦", "乖")}
ANIMALS = {"en": ("fox", "cat", "dog", "hen", "goat", "mouse", "horse", "rabbit", "bear", "duck"),
           "zh": ("狐狸", "猫", "狗", "母鸡", "山羊", "老鼠", "马", "兔子", "熊", "鸭子")}  # fmt: skip
VERBS = {"en": ("sleeps", "eats", "waits", "sings", "plays", "hides", "runs", "rests"),
         "zh": ("睡觉", "吃饭", "等人", "唱歌", "玩耍", "躲藏", "跑步", "休息")}  # fmt: skip
PLACES = {"en": ("garden", "forest", "house", "field", "barn", "river", "street", "park"),
          "zh": ("花园", "森林", "屋子", "田野", "谷仓", "河边", "街上", "公园")}  # fmt: skip
SHORT = {"en": "Say it in {} words: ", "zh": "用{}个字说："}
CAPITALS = "Write it in capitals: "
COLOURLESS = {"en": "Leave out the colours: ", "zh": "去掉颜色："}
NUMERALS = {3: "三", 4: "四", 5: "五", 6: "六", 7: "七", 8: "八"}


def make(chance: random.Random, language: str) -> tuple[str, str, str]:
    """Prompt, answer, mistake."""
    words = _sentence(chance, language)
    kind = chance.choice(("short", "capitals", "colourless") if language == "en" else ("short", "colourless"))
    text = _joined(words, language)
    if kind == "capitals":
        return CAPITALS + text, text.upper(), _half(text)
    if kind == "colourless":
        plain = [word for word in words if word not in COLOURS[language]]
        first = next(place for place, word in enumerate(words) if word in COLOURS[language])
        one_left = words[:first] + words[first + 1 :]
        return COLOURLESS[language] + text, _joined(plain, language), _joined(one_left, language)
    units = words if language == "en" else list(text)
    count = chance.randint(3, min(len(units) - 2, 6 if language == "en" else 8))
    kept = sorted(chance.sample(range(1, len(units) - 1), count - 2)) if count > 2 else []
    answer = [units[0], *(units[place] for place in kept), units[-1]]
    off = chance.choice((-1, 1)) if count - 1 > 1 and count + 1 <= len(units) else 1
    wrong_kept = sorted(chance.sample(range(1, len(units) - 1), count - 2 + off))
    wrong = [units[0], *(units[place] for place in wrong_kept), units[-1]]
    asked = str(count) if language == "en" else NUMERALS[count]
    return SHORT[language].format(asked) + text, _joined(answer, language), _joined(wrong, language)


def check(prompt: str, answer: str) -> bool | None:
    """In so many words: some of the sentence's, in their order, the first and the last among them."""
    if prompt.startswith(CAPITALS):
        return answer == prompt.removeprefix(CAPITALS).upper()
    for language in ("en", "zh"):
        if prompt.startswith(COLOURLESS[language]):
            words = _words(prompt.removeprefix(COLOURLESS[language]), language)
            return answer == _joined([word for word in words if word not in COLOURS[language]], language)
        asked = re.match(SHORT[language].format("(.)"), prompt)
        if asked is not None:
            text = prompt[asked.end() :]
            units, said = (text.split(" "), answer.split(" ")) if language == "en" else (list(text), list(answer))
            count = int(asked[1]) if language == "en" else {name: n for n, name in NUMERALS.items()}.get(asked[1], 0)
            return len(said) == count and said[0] == units[0] and said[-1] == units[-1] and _in_order(said, units)
    return None


def _sentence(chance: random.Random, language: str) -> list[str]:
    """The words: two animals or one, each with what it is like, then what they do, and where."""
    colour, size, animal, verb, place = (
        chance.choice(each[language]) for each in (COLOURS, SIZES, ANIMALS, VERBS, PLACES)
    )
    second = chance.choice(COLOURS[language])
    if language == "en":
        return ["the", size, colour, animal, verb, "in", "the", second, place]
    if language == "zh":
        return [size, colour, animal, "在", second, place, verb]
    raise Problem(f"there are no sentences in {language!r}; choose en or zh")


def _joined(words: list[str], language: str) -> str:
    return (" " if language == "en" else "").join(words)


def _words(text: str, language: str) -> list[str]:
    """A Chinese sentence is cut at the words of the tables, the longer ones first."""
    if language == "en":
        return text.split(" ")
    known = sorted((word for table in (COLOURS, SIZES, ANIMALS, VERBS, PLACES) for word in table["zh"]), key=len)
    return re.findall("|".join([*reversed(known), "."]), text)


def _half(text: str) -> str:
    """Only the first letters of the words."""
    return text.title()


def _in_order(said: list[str], units: list[str]) -> bool:
    """Whether all that is said stands in the sentence, in this order."""
    left = iter(units)
    return all(word in left for word in said)
