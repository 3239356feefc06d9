"""A vocabulary of single characters: enough for dates and for toys.

Symbols: 0 padding, 1 start, 2 end, 3 any character that training never saw, then the characters in order.
"""

from collections.abc import Iterable
from typing import Any

UNKNOWN = 3
FIRST_CHARACTER = 4


class Characters:
    """`encode` and `decode` are inverse to each other on texts of known characters."""

    kind = "characters"

    def __init__(self, characters: Iterable[str]) -> None:
        self.characters = sorted(set(characters))
        if any(len(character) != 1 for character in self.characters):
            raise ValueError("each entry of a character vocabulary must be one character")
        self.number = {character: FIRST_CHARACTER + n for n, character in enumerate(self.characters)}

    @property
    def size(self) -> int:
        return FIRST_CHARACTER + len(self.characters)

    def encode(self, text: str) -> list[int]:
        return [self.number.get(character, UNKNOWN) for character in text]

    def decode(self, ids: Iterable[int]) -> str:
        return "".join(self.tokens(ids))

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """Each symbol as a reader sees it; an unknown character is shown as U+FFFD."""
        shown = {UNKNOWN: "\ufffd"}
        return [self.characters[i - FIRST_CHARACTER] if i >= FIRST_CHARACTER else shown.get(i, "") for i in ids]

    def as_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "characters": "".join(self.characters)}
