"""For the tests of the tokenizer: random texts in many scripts, and a twin in the `tokenizers` library."""

import random
import unicodedata

from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

SENTENCES = [
    "The cat sat on the mat, and the cats that sat there sang a sad song; they'll sing it again, won't they?",
    "Ein Hund läuft über die grüne Wiese. Zwei Hunde LAUFEN über die Straße!",
    "一只猫坐在垫子上。一只狗坐在猫的旁边，猫很生气。二〇二四年，猫又回来了。",
    "In 1999 and 2004 there were 12 cats, 1,200 dogs (and 7 hats) - 50% of them _red_... x = y**2 + 10_000",
    "  two  spaces\tand a tab\r\n\n\nand   lines  \n",
    "😀😀 👩‍👩‍👧 e\u0301te\u0301 नमस्ते สวัสดี שלום مرحبا Привет 안녕하세요 こんにちは ①②½Ⅷ",
    "aaaa aaaaaaa ---------- ======== ababababab",
]
# Assigned in the Unicode of this Python (14 in 3.11): newer letters are no letters yet to some libraries.
ASSIGNED = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) not in ("Cn", "Cs")]
RANGES = ["aA", "zZ", "\x00\x1f", "\x7f\xa0", "\u00a0\u024f", "\u0300\u036f", "\u0370\u04ff", "\u0590\u06ff",
          "\u0900\u0e7f", "\u1680\u1680", "\u2000\u206f", "\u2100\u218b", "\u3000\u30ff", "\u3400\u9fff",
          "\uac00\ud7a3", "\ufe00\ufe0f", "\uff00\uffef", "\U0001f300\U0001faff", "\U000e0020\U000e007f"]  # fmt: skip
WHOLE = [*" \n\t\r", "  ", "\r\n", "'s", "'LL", "'\u017f", "\u200d", "\ufe0f", "123", "4567", "the", " cat", "猫",
         "...", "\U0001f468\u200d\U0001f469\u200d\U0001f467"]  # fmt: skip


def random_texts(count, seed):
    """Surrogate-free texts, each of words, signs, and letters from a few ranges of Unicode."""
    rng = random.Random(seed)
    words = [word for sentence in SENTENCES for word in sentence.split(" ")]
    blocks = [[letter for letter in ASSIGNED if low <= letter <= high] for low, high in map(sorted, RANGES)]
    texts = []
    for _ in range(count):
        some = rng.sample(blocks, 3)
        parts = []
        for _ in range(rng.randint(1, 14)):
            kind = rng.random()
            if kind < 0.3:
                parts.append(rng.choice(words))
            elif kind < 0.6:
                parts.append(rng.choice(WHOLE))
            elif kind < 0.9:
                parts.append("".join(rng.choices(rng.choice(some), k=rng.randint(1, 6))))
            else:
                parts.append(rng.choice(ASSIGNED))
        texts.append("".join(parts))
    return texts


def assigned_text(max_size=40):
    return st.lists(st.one_of(st.sampled_from(ASSIGNED), st.sampled_from(WHOLE), st.characters(codec="ascii")),
                    max_size=max_size).map("".join)  # fmt: skip


def untrained_twin(pattern):
    """`tokenizers`' byte-level BPE that cuts by the pattern and has learned nothing."""
    twin = Tokenizer(models.BPE())
    twin.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])  # fmt: skip
    twin.decoder = decoders.ByteLevel()
    return twin
