"""Poems of a given form. English: two lines of so many words that rhyme. Chinese: lines of so many characters, of which
the even ones rhyme. The subject must occur, and one more word.

    Two lines of 4 words about the moon, with still, in rhyme.    the quiet moon tonight / now still and white

Whether words rhyme is decided by a table: those in one row do.
"""

import random
import re

SUBJECTS = {"en": ("moon", "river", "mountain", "garden", "winter", "summer", "wind", "ocean", "bird", "rose", "rain",
                   "forest", "valley", "candle", "harbour", "meadow", "star", "village", "bridge", "island", "road",
                   "field", "cloud", "lake"),
            "zh": ("明月", "春风", "青山", "流水", "白云", "落花", "秋雨", "孤舟", "飞鸟", "夕阳", "寒江", "故园",
                   "长城", "古寺", "高楼", "渔火", "柳色", "梅香", "归雁", "晚霞", "清泉", "幽径", "芳草",
                   "残雪")}  # fmt: skip
RHYMES = {
    "en": (
        ("night", "light", "bright", "white", "sight"),
        ("day", "way", "grey", "play", "away"),
        ("stone", "alone", "grown", "known", "shown"),
        ("tree", "free", "sea", "me", "bee"),
        ("snow", "glow", "slow", "low", "go"),
        ("sky", "high", "fly", "by", "sigh"),
    ),
    "zh": (
        tuple("天年边前眠泉烟船"),
        tuple("风空中红东松钟浓"),
        tuple("光霜乡长香凉阳忙"),
        tuple("人春新尘邻身亲真"),
        tuple("山间还闲关颜湾寒"),
    ),
}
OPENING = {"en": ("the old {}", "a quiet {}", "the silver {}", "my lonely {}", "the gentle {}"),
           "zh": ("{}", "望{}", "{}里", "见{}", "忆{}")}  # fmt: skip
FILLING = {"en": ("is", "so", "very", "still", "and", "now", "under", "over", "here", "soon", "all", "waits", "sleeps",
                  "calls", "once", "again", "far", "softly", "dark", "cold"),
           "zh": tuple("花月水云江夜树石路门竹雪草鸟叶心酒客")}  # fmt: skip
PROMPT = {"en": "Two lines of {count} words about the {subject}, with {word}, in rhyme.",
          "zh": "写{lines}句{count}言诗，题为“{subject}”，含“{word}”字。"}  # fmt: skip
ENGLISH = re.compile(r"Two lines of (\d) words about the (\w+), with (\w+), in rhyme\.")
CHINESE = re.compile(r"写([两四])句([五七])言诗，题为“(\w+)”，含“(\w)”字。")
NUMBERS = {"两": 2, "四": 4, "五": 5, "七": 7}
SEPARATOR = "\n"


def make(chance: random.Random, language: str) -> tuple[str, str, str]:
    """Prompt, answer, mistake."""
    subject, word = chance.choice(SUBJECTS[language]), chance.choice(FILLING[language])
    if language == "en":
        count, lines = chance.choice((4, 5, 6, 7)), 2
        prompt = PROMPT["en"].format(count=count, subject=subject, word=word)
    else:
        said, number = chance.choice("两四"), chance.choice("五七")
        count, lines = NUMBERS[number], NUMBERS[said]
        prompt = PROMPT["zh"].format(lines=said, count=number, subject=subject, word=word)
    poem = _poem(chance, language, subject, word, count, lines)
    return prompt, _written(poem, language), _written(_spoilt(chance, poem, language), language)


def check(prompt: str, answer: str) -> bool | None:
    english, chinese = ENGLISH.fullmatch(prompt), CHINESE.fullmatch(prompt)
    if english is not None:
        language, count, lines, subject = "en", int(english[1]), 2, english[2]
        wanted = {subject, english[3]}
        poem = [line.split(" ") for line in answer.split(SEPARATOR)]
    elif chinese is not None:
        language, count, lines, subject = "zh", NUMBERS[chinese[2]], NUMBERS[chinese[1]], chinese[3]
        wanted = {subject, chinese[4]}
        poem = [list(line) for line in answer.split(SEPARATOR)]
    else:
        return None
    if len(poem) != lines or any(len(line) != count or not all(line) for line in poem):
        return False
    said = answer.split() if language == "en" else answer
    if any(word not in said for word in wanted):
        return False
    ends = [line[-1] for line in (poem if language == "en" else poem[1::2])]
    rows = [{place for place, row in enumerate(RHYMES[language]) if end in row} for end in ends]
    return len(set(ends)) == len(ends) and bool(set.intersection(*rows))


def _poem(chance: random.Random, language: str, subject: str, word: str, count: int, lines: int) -> list[list[str]]:
    """Lines of units (words or characters): the first names the subject, the second holds the word, the ends rhyme."""
    row = chance.choice(RHYMES[language])
    ends = chance.sample(row, lines)
    opening = chance.choice(OPENING[language]).format(subject)
    first = opening.split(" ") if language == "en" else list(opening)
    poem = []
    for number, end in enumerate(ends):
        begin = first if number == 0 else [word] if number == 1 else []
        poem.append([*begin, *chance.sample(FILLING[language], count - 1 - len(begin)), end])
    if language == "zh":
        for number in range(0, lines, 2):  # the odd lines are free
            poem[number][-1] = chance.choice(FILLING["zh"])
    return poem


def _spoilt(chance: random.Random, poem: list[list[str]], language: str) -> list[list[str]]:
    """A word too many, one too few, no rhyme, or a line missing."""
    kind = chance.choice(("more", "less", "rhyme", "lines"))
    wrong = [list(line) for line in poem]
    place = chance.randrange(len(wrong))
    if kind == "more":
        wrong[place].insert(1, chance.choice(FILLING[language]))
    elif kind == "less":
        del wrong[place][-2]
    elif kind == "lines":
        del wrong[-1]
    else:
        wrong[-1][-1] = chance.choice(FILLING[language])  # no filling word rhymes
    return wrong


def _written(poem: list[list[str]], language: str) -> str:
    return SEPARATOR.join((" " if language == "en" else "").join(line) for line in poem)
