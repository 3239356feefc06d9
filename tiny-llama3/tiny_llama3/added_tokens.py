"""Tokens that are found in a text as they stand, before it is cut into pre-tokens: special tokens, and a few others.

A special token (<|begin_of_text|>) means something to the model. Whoever could write one into a chat message could end
the message and speak in another role; so it counts as ordinary text unless the caller allows it.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from tiny_llama3.problem import Problem

Allowed = Collection[str] | Literal["all"]

# as Unicode defines it; str.isspace() counts U+001C to U+001F, too
WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


@dataclass(frozen=True)
class AddedToken:
    """The fields are those of tokenizer.json's `added_tokens`; there the text is called `content`."""

    text: str
    id: int
    special: bool = True  # False: found in every text
    normalized: bool = False  # True: looked for after the text was brought into its normal form
    lstrip: bool = False  # True: white space before it belongs to it
    rstrip: bool = False  # True: white space after it belongs to it


class AddedTokens:
    """All added tokens of a tokenizer, by two searches: in the text as it came, then in what is left, normalized."""

    def __init__(self, tokens: Iterable[AddedToken], normalize: Callable[[str], str]) -> None:
        self.all = sorted(tokens, key=lambda token: token.id)
        self._normalize = normalize
        self._in_every_text = any(not token.special for token in self.all)
        self._as_it_came = {token.text: token for token in self.all if not token.normalized}
        self._in_normal_form = {normalize(token.text): token for token in self.all if token.normalized}
        self._searches = tuple(
            re.compile("|".join(map(re.escape, sorted(tokens, key=len, reverse=True))))  # the longest that fits
            for tokens in (self._as_it_came, self._in_normal_form)
        )

    def allowed(self, names: Allowed) -> frozenset[str]:
        """The special tokens that a caller allows, by name or as "all"."""
        if not names:
            return frozenset()
        special = {token.text for token in self.all if token.special}
        if names == "all":
            return frozenset(special)
        wanted = frozenset([names] if isinstance(names, str) else names)
        if unknown := wanted - special:
            some = [token.text for token in self.all if token.special][:12]
            raise Problem(
                f"allowed_special has {', '.join(sorted(unknown))}, which is no special token here; "
                f"those are {', '.join(some) or 'none'}"
            )
        return wanted

    def cut(self, text: str, allowed: Collection[str]) -> Iterator[str | AddedToken]:
        """The added tokens of the text, and normalized text between them; `allowed` names the special ones to find."""
        if not (allowed or self._in_every_text):
            yield self._normalize(text)
            return
        for part in self._find(self._as_it_came, self._searches[0], text, allowed):
            if isinstance(part, AddedToken):
                yield part
            else:
                yield from self._find(self._in_normal_form, self._searches[1], self._normalize(part), allowed)

    @staticmethod
    def _find(
        tokens: dict[str, AddedToken], search: re.Pattern[str], text: str, allowed: Collection[str]
    ) -> Iterator[str | AddedToken]:
        end = 0
        for match in search.finditer(text) if tokens else ():
            token = tokens[match.group()]
            if token.special and token.text not in allowed:
                continue
            start, stop = match.span()
            while token.lstrip and start > end and text[start - 1] in WHITE_SPACE:
                start -= 1
            while token.rstrip and stop < len(text) and text[stop] in WHITE_SPACE:
                stop += 1
            if start > end:
                yield text[end:start]
            yield token
            end = stop
        if end < len(text):
            yield text[end:]
