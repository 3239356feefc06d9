"""The grammar that invented sample/names/names.txt: it knows the probability of every name, so it knows the floor.

No model can get below the entropy of what drew the data (Shannon 1948). For real names nobody knows it; for these it
is a sum. What a rung can see decides how close it gets:

- a syllable is a consonant and a vowel, sometimes closed by l, n, r or s: the last character or two tell;
- vowels agree: a name has a, e, i or o, u, never both: the vowel before tells, two to four characters back;
- from the third syllable on, a syllable begins as the one two before it: further back still;
- the ending fits the first letter, soft (l m n r v z) or hard (b d g k p t): back to the start.
"""

import math
import random
import re
from collections.abc import Iterable, Mapping, Sequence

ONSETS = {"l": 9, "m": 12, "n": 8, "r": 10, "v": 6, "z": 4, "b": 9, "d": 8, "g": 6, "k": 12, "p": 5, "t": 11}  # percent
SOFT = "lmnrvz"
HARMONIES = {"aei": 60, "ou": 40}
VOWELS = {"aei": {"a": 45, "e": 30, "i": 25}, "ou": {"o": 60, "u": 40}}
CODAS = {"": 70, "l": 9, "n": 9, "r": 7, "s": 5}
SYLLABLES = {2: 30, 3: 45, 4: 25}
ENDINGS = {"soft": {"": 75, "sh": 25}, "hard": {"n": 55, "sk": 45}}
SYLLABLE = re.compile("([lmnrvzbdgkpt])([aeiou])((?:[lnrs](?=[lmnrvzbdgkpt][aeiou]))?)")

N_NAMES, SEED = 6_000, 2017


def ending_kind(first: str) -> str:
    return "soft" if first in SOFT else "hard"


def draw(rng: random.Random) -> str:
    """One name: every choice is drawn by its percentage."""

    def choose(percent: Mapping[str, int]) -> str:
        return rng.choices(list(percent), list(percent.values()))[0]

    n_syllables = rng.choices(list(SYLLABLES), list(SYLLABLES.values()))[0]
    harmony = choose(HARMONIES)
    onsets: list[str] = []
    name = ""
    for i in range(n_syllables):
        onsets.append(choose(ONSETS) if i < 2 else onsets[i - 2])
        name += onsets[i] + choose(VOWELS[harmony])
        if i < n_syllables - 1:
            name += choose(CODAS)
    return name + choose(ENDINGS[ending_kind(onsets[0])])


def draw_names(n: int = N_NAMES, seed: int = SEED) -> list[str]:
    rng = random.Random(seed)
    return [draw(rng) for _ in range(n)]


def log_probability(name: str) -> float:
    """Natural logarithm of the probability that `draw` gives this name; −∞ for one that it can't give."""
    syllables = SYLLABLE.findall(name)
    n = len(syllables)
    spoken = "".join("".join(syllable) for syllable in syllables)
    if n not in SYLLABLES or not name.startswith(spoken):
        return -math.inf
    onsets, vowels, codas = zip(*syllables, strict=True)
    harmony = "aei" if vowels[0] in "aei" else "ou"
    ending, endings = name[len(spoken) :], ENDINGS[ending_kind(onsets[0])]
    fits = ending in endings and all(v in harmony for v in vowels) and onsets[2:] == onsets[: n - 2]
    if not fits:
        return -math.inf
    percents = [SYLLABLES[n], HARMONIES[harmony], ONSETS[onsets[0]], ONSETS[onsets[1]], endings[ending]]
    percents += [VOWELS[harmony][vowel] for vowel in vowels] + [CODAS[coda] for coda in codas[:-1]]
    return sum(math.log(percent / 100) for percent in percents)


def mean_loss(names: Sequence[str]) -> float:
    """What the grammar itself would lose on these names: nats a token, the end counted."""
    return -sum(log_probability(name) for name in names) / sum(len(name) + 1 for name in names)


def entropy() -> tuple[float, float]:
    """Of a name: its entropy in nats, and its mean number of tokens, the end counted. Their quotient is the floor."""

    def nats(percents: Iterable[int]) -> float:
        return -sum(p / 100 * math.log(p / 100) for p in percents)

    def length(percent: Mapping[str, int]) -> float:
        return sum(len(text) * p / 100 for text, p in percent.items())

    soft = sum(ONSETS[letter] for letter in SOFT) / 100
    syllables = sum(n * p / 100 for n, p in SYLLABLES.items())
    vowel = sum(p / 100 * nats(VOWELS[harmony].values()) for harmony, p in HARMONIES.items())
    ending = soft * nats(ENDINGS["soft"].values()) + (1 - soft) * nats(ENDINGS["hard"].values())
    total = nats(SYLLABLES.values()) + nats(HARMONIES.values()) + 2 * nats(ONSETS.values()) + syllables * vowel + ending
    total += (syllables - 1) * nats(CODAS.values())
    tokens = 2 * syllables + (syllables - 1) * length(CODAS) + 1
    tokens += soft * length(ENDINGS["soft"]) + (1 - soft) * length(ENDINGS["hard"])
    return total, tokens
