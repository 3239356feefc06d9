"""Cut text into pre-tokens, the stretches that no merge crosses (Radford et al. 2019, GPT-2), by Llama 3's pattern.

"They'll come in 2024!" -> "They", "'ll", " come", " in", " ", "202", "4", "!": without the cuts, "come!", "come." and
"come," would each take a place in the vocabulary.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Literal

import regex  # type: ignore[import-untyped]  # unlike re, it knows \p{L}, the letters of every script, and \p{N}, their digits

from tiny_llama3.problem import Problem
from tiny_llama3.processes import map_in_order
from tiny_llama3.text_input import in_batches

LLAMA3_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"  # the ends of English words
    r"|[^\r\n\p{L}\p{N}]?\p{L}+"  # a word, with the space or sign before it
    r"|\p{N}{1,3}"  # at most three digits
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*"  # signs, with the ends of lines after them
    r"|\s*[\r\n]+"  # empty lines
    r"|\s+(?!\S)"  # spaces, but for the last, which goes to the word after it
    r"|\s+"
)
LONG_TEXT = 2**24  # characters; a list of all its pre-tokens would take 12 times its memory
# Oniguruma, by which `tokenizers` cuts, means something else by these: \h is a hexadecimal digit there, \w and \b leave
# out what joins emoji, x{1,3}+ is (x{1,3})+, and (?m) lets the dot match a line's end.
FOREIGN = regex.compile(r"\\[hHwWbB]|\{\d*,?\d*\}\+|\(\?i?[msx]")

NormalForm = Literal["NFC", "NFD", "NFKC", "NFKD"]


class PreTokenizer:
    """How a text is cut. The defaults are Llama 3's; other settings come from other tokenizers' files."""

    def __init__(
        self,
        patterns: Sequence[str] = (LLAMA3_PATTERN,),
        *,
        add_prefix_space: bool = False,
        normal_form: NormalForm | None = None,
    ) -> None:
        self.patterns = tuple(patterns)
        self.add_prefix_space = add_prefix_space
        self.normal_form: NormalForm | None = normal_form
        for pattern in self.patterns:
            if foreign := FOREIGN.search(pattern.replace(r"\\", "")):
                raise Problem(f"the pattern has {foreign[0]}, which `tokenizers` takes otherwise; give one without")
        try:  # V1 allows sets within sets, MULTILINE means ^ and $ at each line: so do tokenizer.json's patterns
            self._compiled = [regex.compile(pattern, regex.V1 | regex.MULTILINE) for pattern in self.patterns]
        except regex.error as error:
            raise Problem(f"a pattern is no regular expression ({error}); give another one") from None

    def normalize(self, text: str) -> str:
        """The text in the normal form of Unicode that the tokenizer asks for, if it asks for one."""
        return unicodedata.normalize(self.normal_form, text) if self.normal_form else text

    def split(self, text: str) -> Iterable[str]:
        """The pre-tokens of a normalized text; joined, they are the text again (after its prefix space, if any)."""
        if self.add_prefix_space and text and not text.startswith(" "):
            text = " " + text
        pieces: Iterable[str] = [text]
        for pattern in self._compiled:  # each cuts the pieces that the one before it left
            pieces = chain.from_iterable(map(partial(_cut, pattern), pieces))
        return pieces


def _cut(pattern: regex.Pattern, text: str) -> Iterable[str]:
    """The matches, and what lies between them."""
    if len(text) < LONG_TEXT and not pattern.groups:
        matches = list(filter(None, pattern.findall(text)))
        if sum(map(len, matches)) == len(text):  # nothing lies between them
            return matches
    return _one_by_one(pattern, text)


def _one_by_one(pattern: regex.Pattern, text: str) -> Iterator[str]:
    end = 0
    for match in pattern.finditer(text):
        yield from filter(None, (text[end : match.start()], match.group()))
        end = match.end()
    yield from filter(None, (text[end:],))


def count_pretokens(texts: Iterable[str], pre_tokenizer: PreTokenizer, processes: int = 1) -> Counter[str]:
    """How often each pre-token occurs. The texts may be a stream: a few batches of them are held at a time."""
    counts: Counter[str] = Counter()
    for some in map_in_order(_count, pre_tokenizer, in_batches(texts), processes):
        counts.update(some)
    return counts


def _count(pre_tokenizer: PreTokenizer, texts: Sequence[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(pre_tokenizer.split(pre_tokenizer.normalize(text)))
    return counts
