"""English stems by Porter's rules (Porter 1980, "An algorithm for suffix stripping"), with NLTK's changes.

google's ROUGE stems with NLTK's version, which differs from the paper in a few rules; they are marked "NLTK" below.
A stem need not be a word; related words need only share it: relational, relate → relat.

The rules ask for the measure of what a suffix leaves: how often a vowel is followed by a consonant. tree 0, trouble 1,
troubles 2. By hand, "hopefulness": step 2 turns -fulness into -ful (hope has measure 1): hopeful. Step 3 drops
-ful: hope. Step 5 keeps the e, because hop ends consonant-vowel-consonant: the stem is hope.
"""

from functools import lru_cache

Rules = tuple[tuple[str, str], ...]

IRREGULAR = {  # NLTK
    "sky": "sky", "skies": "sky", "dying": "die", "lying": "lie", "tying": "tie", "news": "news", "inning": "inning",
    "innings": "inning", "outing": "outing", "outings": "outing", "canning": "canning", "cannings": "canning",
    "howe": "howe", "proceed": "proceed", "exceed": "exceed", "succeed": "succeed",
}  # fmt: skip

STEP_2: Rules = (
    ("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"), ("bli", "ble"),
    ("alli", "al"), ("entli", "ent"), ("eli", "e"), ("ousli", "ous"), ("ization", "ize"), ("ation", "ate"),
    ("ator", "ate"), ("alism", "al"), ("iveness", "ive"), ("fulness", "ful"), ("ousness", "ous"), ("aliti", "al"),
    ("iviti", "ive"), ("biliti", "ble"), ("fulli", "ful"),  # -fulli: NLTK
)  # fmt: skip
STEP_3: Rules = (
    ("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", ""),
)  # fmt: skip
STEP_4: Rules = tuple(
    (suffix, "") for suffix in "al ance ence er ic able ible ant ement ment ent ion ou ism ate iti ous ive ize".split()
)


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """The stem of a word in lower case. Digits count as consonants."""
    if word in IRREGULAR:
        return IRREGULAR[word]
    if len(word) <= 2:
        return word
    word = _y_to_i(_past_and_progressive(_plural(word)))
    if word.endswith("alli") and measure(word[:-4]) > 0:
        word = word[:-2]  # NLTK: -alli first, so that rationalli goes on as rational
    if word.endswith("logi") and measure(word[:-3]) > 0:
        word = word[:-1]  # NLTK: the l counts for what is left, so that geology goes as archaeology does
    word = _replace(word, STEP_2, above=0)
    word = _replace(word, STEP_3, above=0)
    word = _replace(word, STEP_4, above=1)
    return _tidy(word)


def _plural(word: str) -> str:
    """Step 1a: caresses → caress, ponies → poni, cats → cat."""
    if word.endswith("ies"):
        return word[:-1] if len(word) == 4 else word[:-2]  # NLTK: dies → die, though flies → fli
    if word.endswith("sses"):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _past_and_progressive(word: str) -> str:
    """Step 1b: agreed → agree, plastered → plaster, motoring → motor, and a repair of what that leaves."""
    if word.endswith("ied"):
        return word[:-1] if len(word) == 4 else word[:-2]  # NLTK: died → die, though spied → spi
    if word.endswith("eed"):
        return word[:-1] if measure(word[:-3]) > 0 else word
    for suffix in ("ed", "ing"):
        left = word.removesuffix(suffix)
        if left != word and "v" in shape(left):
            break
    else:
        return word
    if left.endswith(("at", "bl", "iz")):
        return left + "e"  # conflat(ed) → conflate
    if len(left) > 1 and left[-1] == left[-2] and shape(left)[-1] == "c":
        return left if left[-1] in "lsz" else left[:-1]  # fall(ing) → fall, hopp(ing) → hop
    return left + "e" if measure(left) == 1 and _short_end(left) else left  # fil(ing) → file


def _y_to_i(word: str) -> str:
    """Step 1c: happy → happi. NLTK: after a consonant that isn't the first letter, so enjoy stays."""
    return word[:-1] + "i" if word.endswith("y") and len(word) > 2 and shape(word)[-2] == "c" else word


def _replace(word: str, rules: Rules, above: int) -> str:
    """The first rule whose suffix fits decides: it replaces the suffix if what is left measures more than `above`."""
    for suffix, replacement in rules:
        if word.endswith(suffix):
            left = word.removesuffix(suffix)
            fits = measure(left) > above and (suffix != "ion" or left[-1] in "st")
            return left + replacement if fits else word
    return word


def _tidy(word: str) -> str:
    """Step 5: probate → probat, cease → ceas, but rate stays; controll → control."""
    if word.endswith("e"):
        left = word[:-1]
        if measure(left) > 1 or (measure(left) == 1 and not _short_end(left)):
            word = left
    return word[:-1] if word.endswith("ll") and measure(word[:-1]) > 1 else word


def shape(word: str) -> str:
    """c for a consonant, v for a vowel, letter by letter; y is a vowel after a consonant: toy cvc, syzygy cvcvcv."""
    found = ""
    for letter in word:
        vowel = letter in "aeiou" or (letter == "y" and found.endswith("c"))
        found += "v" if vowel else "c"
    return found


def measure(word: str) -> int:
    return shape(word).count("vc")


def _short_end(word: str) -> bool:
    """Ends consonant, vowel, consonant other than w, x, y: hop, fil. NLTK: or is vowel, consonant alone."""
    ending = shape(word)
    return ending == "vc" or (ending.endswith("cvc") and word[-1] not in "wxy")
