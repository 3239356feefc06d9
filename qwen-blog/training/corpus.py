"""The texts that the shipped models learnt from: made by rules, endless, and such that looking back pays.

lookup    "The blue lamp belongs to Mara. … The blue lamp belongs to" -> the name stands earlier in the text
copy      a list, and the same list again
count     3 4 5 6 7: digits, which the tokenizer cuts one by one
chat      the same three as question and answer in ChatML, in English and in Chinese
random    tokens by chance, twice: nothing but looking back helps

Every text says from which token on it can be foretold; what comes before isn't counted in the loss.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

COLOURS = {
    "red": "红",
    "blue": "蓝",
    "green": "绿",
    "white": "白",
    "black": "黑",
    "yellow": "黄",
    "brown": "棕",
    "pink": "粉",
}
THINGS = {"lamp": "台灯", "cup": "杯子", "book": "书", "chair": "椅子", "hat": "帽子", "boat": "小船", "key": "钥匙",
          "clock": "时钟", "bag": "书包", "drum": "鼓", "kite": "风筝", "coat": "大衣"}  # fmt: skip
NAMES = {"Mara": "小梅", "Tom": "阿明", "Lena": "丽娜", "Ivan": "大伟", "Nora": "诺拉", "Omar": "小刚", "Vera": "小雨",
         "Hugo": "阿福", "Rosa": "玫瑰", "Finn": "小风", "Ada": "艾达", "Kai": "凯凯"}  # fmt: skip
PLACES = {"kitchen": "厨房", "garden": "花园", "attic": "阁楼", "cellar": "地窖", "school": "学校", "market": "市场",
          "harbour": "港口", "library": "图书馆"}  # fmt: skip
VERBS = {"sings": "唱歌", "sleeps": "睡觉", "waits": "等待", "laughs": "大笑", "paints": "画画", "reads": "看书"}

OTHERS = "The the belongs to in Who Where is owns Repeat Count from Hello I am a tiny Qwen user assistant system"
OTHERS_ZH = "是 的 在 谁 哪里 请 重复 从 数 到 你好 我 小小 。 ， ？ ！ ： 、"


@dataclass(frozen=True)
class Text:
    """`question` is what a user says, `answer` what the model should; without a question, the answer is the text."""

    question: str
    answer: str
    tail: str = ""  # of the answer: only this can be foretold (without a question)


SYLLABLES = [first + vowel + last for first in "b d f g k l m n p r s t v z br st".split() for vowel in "aeiou"
             for last in ("", "n", "r", "l", "s")]  # fmt: skip
CHARACTERS = (
    "".join(NAMES.values()) + "王李张刘陈杨赵周吴徐孙马朱胡林何高山水火木金石田云雨天地春夏秋东西南北门口手心日月星光"
)


def words(chance: random.Random, known: dict[str, str], chinese: bool, count: int) -> list[str]:
    """Different words: known ones, or in every third text new ones, so that copying is learnt, not names."""
    if chance.random() < 0.67:
        return [known[word] if chinese else word for word in chance.sample(list(known), count)]
    found: set[str] = set()
    while len(found) < count:
        made = "".join(chance.choices(CHARACTERS if chinese else SYLLABLES, k=chance.randint(1, 3)))
        found.add(made.capitalize() if not chinese and known is NAMES else made)
    return chance.sample(sorted(found), count)


def lookup(chance: random.Random, chinese: bool) -> tuple[str, str, str]:
    """Facts, a question about one of them, its answer."""
    count = chance.randint(2, 5)
    belongings = chance.random() < 0.6
    owners = words(chance, NAMES, chinese, count)
    if belongings:
        colours = chance.choices(list(COLOURS.values() if chinese else COLOURS), k=count)
        owned = words(chance, THINGS, chinese, count)
        if chance.random() < 0.5:  # the same thing in other colours: the colour tells them apart
            owned, colours = [owned[0]] * count, words(chance, COLOURS, chinese, count)
        form = "{}{}是{}的。" if chinese else "The {} {} belongs to {}."
        facts = [form.format(*each) for each in zip(colours, owned, owners, strict=True)]
    else:
        places = words(chance, PLACES, chinese, count)
        verbs = chance.choices(list(VERBS.values() if chinese else VERBS), k=count)
        form = "{0}在{2}{1}。" if chinese else "{} {} in the {}."
        facts = [form.format(*each) for each in zip(owners, verbs, places, strict=True)]
    asked = chance.choice(facts)
    if belongings:
        place = facts.index(asked)
        thing = colours[place] + ("" if chinese else " ") + owned[place]
        question = f"{thing}是谁的？" if chinese else f"Who owns the {thing}?"
    else:
        who = owners[facts.index(asked)]
        question = f"{who}在哪里？" if chinese else f"Where is {who}?"
    return ("" if chinese else " ").join(facts), question, asked


def things(chance: random.Random, chinese: bool) -> str:
    kind = chance.choice((COLOURS, THINGS, NAMES, PLACES, VERBS))
    said = words(chance, kind, chinese, chance.randint(2, min(6, len(kind))))
    return ("、" if chinese else " ").join(said)


def numbers(chance: random.Random) -> tuple[int, int, str]:
    first = chance.randint(0, 40)
    last = first + chance.randint(3, 7)
    return first, last, " ".join(map(str, range(first, last + 1)))


def text(chance: random.Random) -> Text:
    """One text; half of them are chats, half are plain, half of each are Chinese."""
    kind = chance.choices(("lookup", "copy", "count", "greet"), (60, 20, 14, 6))[0]
    chinese, chat = chance.random() < 0.5, chance.random() < 0.5
    if kind == "greet":
        return Text("你好！", "你好！我是小小的 Qwen。") if chinese else Text("Hello!", "Hello! I am a tiny Qwen.")
    if kind == "lookup":
        facts, question, answer = lookup(chance, chinese)
        space = "" if chinese else " "
        return Text(facts + space + question, answer) if chat else Text("", facts + space + answer, space + answer)
    if kind == "copy":
        said = things(chance, chinese)
        if chat:
            return Text(f"请重复：{said}" if chinese else f"Repeat: {said}", said)
        end = "。" if chinese else "."
        return Text("", f"{said}{end}{said}{end}", f"{said}{end}")
    first, last, counted = numbers(chance)
    if chat:
        return Text(f"从 {first} 数到 {last}。" if chinese else f"Count from {first} to {last}.", counted)
    return Text("", counted, counted[len(f"{first} {first + 1}") :])


def chatml(question: str, answer: str) -> str:
    return f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n{answer}<|im_end|>\n"


def tokenizer_texts() -> list[str]:
    """What the tokenizer's merges are learnt from: single words, or whole Chinese sentences, which have no spaces,
    would become tokens."""
    english = [*COLOURS, *THINGS, *NAMES, *PLACES, *VERBS, *OTHERS.split()]
    chinese = [word for each in (COLOURS, THINGS, NAMES, PLACES, VERBS) for word in each.values()] + OTHERS_ZH.split()
    characters = sorted(set("".join(chinese))) * 20  # first, so that no merge reaches over a character's end
    return [*english, *(f" {word}" for word in english), *characters, *chinese]


Encode = Callable[[str], list[int]]


def documents(seed: int, encode: Encode, plain: list[int], end: int,
              longest: int) -> Iterator[tuple[list[int], list[bool]]]:  # fmt: skip
    """Token ids of one text after the other, and which of them can be foretold.

    `plain` are the tokens that a text of chance is made of, `end` is the one that ends a text of no conversation,
    `longest` the most tokens of a text.
    """
    chance = random.Random(seed)
    while True:
        if chance.random() < 0.25:
            half = [chance.choice(plain) for _ in range(chance.randint(8, 48))]
            yield half + half, [False] * (len(half) + 1) + [True] * (len(half) - 1)
            continue
        made = text(chance)
        if not made.question:
            known = encode(made.answer.removesuffix(made.tail))
            rest = [*encode(made.tail), end]
            yield known + rest, [False] * len(known) + [True] * len(rest)
            continue
        ids: list[int] = []
        counts: list[bool] = []
        for _ in range(chance.choice((1, 1, 1, 2, 3))):  # questions of one conversation
            while not made.question:
                made = text(chance)
            asked = encode(chatml(made.question, "").removesuffix("<|im_end|>\n"))
            answered = encode(made.answer + "<|im_end|>\n")
            if len(ids) + len(asked) + len(answered) > longest:
                break
            ids, counts = ids + asked + answered, counts + [False] * len(asked) + [True] * len(answered)
            made = text(chance)
        if ids:
            yield ids, counts
