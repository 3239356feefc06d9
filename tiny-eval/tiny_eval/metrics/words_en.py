"""English words as question answering compares them (SQuAD: Rajpurkar et al. 2016, arXiv:1606.05250).

Four steps, in this order: lower case; delete ASCII punctuation; put a space where an article (a, an, the) stood alone;
split at white space. Punctuation goes before the split, so it glues: "The well-known U.S. law" → wellknown us law.
"""

import re
import string

_DELETE_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLE = re.compile(r"\b(?:a|an|the)\b")


def normalized(text: str) -> str:
    """The text that remains: words with one space between them."""
    return " ".join(words(text))


def words(text: str) -> list[str]:
    """The words that remain, in order, with repetitions."""
    return _ARTICLE.sub(" ", text.lower().translate(_DELETE_PUNCTUATION)).split()
