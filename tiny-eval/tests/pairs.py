"""Pairs of texts that are likely to find a difference between two implementations: seeded, hostile, and some long."""

import random
from collections.abc import Iterator

ENGLISH = (
    "the a an The cat cats dog running runs ran happily happiness relational U.S. well-known 3.5 1,000 don't news skies"
    " dying it's e.g. Dr. sky's généralement naïve İstanbul straße x1 42 can\u2019t \u201cquoted\u201d --- ..."
    " o'clock #1 a.b.c"
).split()
CHINESE = (
    "北京大学 的 学生 在 图书馆 研究 生命 起源 ， 。 《红楼梦》 、 “很好” ！ ？ 二〇二四年"
    " ３．５ ＡＢＣ （一） 我 我们 了 ； ： ·"
).split()
OTHER = [
    "🙂",
    "👩\u200d🔬",
    "Привет",
    "δοκιμή",
    "日本語テキスト",
    "한국어",
    "مرحبا",
    "e\u0301",
    "\u00a0",
    "٣",
    "\u2028",
    "\ufeff",
    "\u212a",
    "\x00",
]
PUNCTUATION = list("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~，。！？；：“”《》…—　 \n\t.")
SPACES = [" ", " ", " ", "", "\n", ". ", ".", "  ", "\t", "。"]


def pairs(n: int, seed: int, *, long_every: int = 100, long: int = 300) -> Iterator[tuple[str, str]]:
    """`n` pairs (prediction, reference); every `long_every`-th has up to `long` words on each side."""
    rng = random.Random(seed)
    for number in range(n):
        most = long if number % long_every == long_every - 1 else rng.choice([3, 8, 20])
        vocabulary = _vocabulary(rng)
        reference = _text(rng, vocabulary, most)
        kind = rng.random()
        if kind < 0.55:
            prediction = _changed(rng, reference, vocabulary)
        elif kind < 0.95:
            prediction = _text(rng, vocabulary if kind < 0.8 else _vocabulary(rng), most)
        else:
            prediction = reference
        yield (prediction, reference) if rng.random() < 0.5 else (reference, prediction)


def _vocabulary(rng: random.Random) -> list[str]:
    """Words of one script or of several; often few of them, so that they repeat."""
    kind = rng.random()
    if kind < 0.3:
        words = ENGLISH
    elif kind < 0.55:
        words = CHINESE
    elif kind < 0.62:
        words = PUNCTUATION
    elif kind < 0.8:
        words = [*"abcde", "A", "a.", "."]
    else:
        words = ENGLISH + CHINESE + OTHER + PUNCTUATION
    return rng.sample(words, rng.randint(1, len(words))) if rng.random() < 0.6 else words


def _text(rng: random.Random, vocabulary: list[str], most: int) -> str:
    if rng.random() < 0.03:
        return rng.choice(["", " ", ".", "...", "\n", "。", " . ", "\n\n", ".\n.", "\u3000"])
    space = rng.choice(SPACES) if rng.random() < 0.5 else None
    words = (rng.choice(vocabulary) for _ in range(rng.randint(1, most)))
    return "".join(word + (rng.choice(SPACES) if space is None else space) for word in words)


def _changed(rng: random.Random, text: str, vocabulary: list[str]) -> str:
    """The text with some of its words dropped, doubled, moved or replaced, so that much stays in common."""
    words = text.split(" ")
    for _ in range(rng.randint(1, 1 + len(words) // 4)):
        place, other = rng.randrange(len(words)), rng.randrange(len(words))
        action = rng.randrange(4)
        if action == 0:
            words[place] = rng.choice(vocabulary)
        elif action == 1:
            words.insert(other, words[place])
        elif action == 2:
            words[place], words[other] = words[other], words[place]
        elif len(words) > 1:
            del words[place]
    return " ".join(words)
