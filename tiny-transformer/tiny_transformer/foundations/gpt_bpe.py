"""GPT-2's tokenizer: byte-level byte-pair encoding (Sennrich et al. 2016, arXiv:1508.07909; Radford et al. 2019).

Text is cut into words, a word into its UTF-8 bytes, and the bytes are merged pair by pair in the order in which the
merges were learned. Every byte is a token of its own at worst, so there is no unknown word.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import regex  # type: ignore[import-untyped]

from ..problem import Problem

# A word takes the space before it along; letters, digits and other signs never share a word.
WORD = regex.compile(r"'(?:s|t|re|ve|m|ll|d)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
END_OF_TEXT = "<|endoftext|>"


def byte_characters() -> list[str]:
    """The printable character that stands for each byte in the files: itself if Latin-1 can show it, else U+0100 on."""
    shown = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [byte for byte in range(256) if byte not in shown]
    stands_for = {byte: chr(byte) for byte in shown} | {byte: chr(256 + i) for i, byte in enumerate(hidden)}
    return [stands_for[byte] for byte in range(256)]


def merged(symbols: Sequence[str], pair: tuple[str, str]) -> list[str]:
    """The symbols with every `pair` joined, from left to right."""
    result: list[str] = []
    i = 0
    while i < len(symbols):
        if tuple(symbols[i : i + 2]) == pair:
            result.append(symbols[i] + symbols[i + 1])
            i += 2
        else:
            result.append(symbols[i])
            i += 1
    return result


class GPT2Tokenizer:
    """`from_folder` reads vocab.json and merges.txt; `encode` and `decode` are each other's inverse."""

    def __init__(self, vocabulary: Mapping[str, int], merges: Iterable[tuple[str, str]]):
        self.id_of = dict(vocabulary)
        self.token_of = {i: token for token, i in self.id_of.items()}
        self.rank_of = {pair: rank for rank, pair in enumerate(merges)}
        self._character_of = byte_characters()
        self._byte_of = {character: byte for byte, character in enumerate(self._character_of)}
        self._known: dict[str, list[int]] = {}
        missing = [c for c in self._character_of if c not in self.id_of]
        missing += [a + b for a, b in self.rank_of if a + b not in self.id_of]
        if missing:
            raise Problem(
                f"the vocabulary lacks {missing[0]!r}, and {len(missing) - 1} more that the bytes and merges need; "
                "take vocab.json and merges.txt from the same model"
            )

    @classmethod
    def from_folder(cls, folder: Path) -> "GPT2Tokenizer":
        vocabulary_path, merges_path = folder / "vocab.json", folder / "merges.txt"
        try:
            vocabulary = json.loads(vocabulary_path.read_bytes())
            lines = merges_path.read_bytes().decode("utf-8").split("\n")
        except FileNotFoundError as error:
            raise Problem(f"{error.filename} is missing; GPT-2's folder has vocab.json and merges.txt") from None
        except ValueError as error:
            raise Problem(
                f"{folder.as_posix()}: vocab.json or merges.txt is damaged ({error}); copy them again"
            ) from None
        if not isinstance(vocabulary, dict) or not all(isinstance(i, int) for i in vocabulary.values()):
            raise Problem(f"{vocabulary_path.as_posix()} doesn't map tokens to numbers; copy it again")
        pairs = [tuple(line.split()) for line in lines if line.strip() and not line.startswith("#version")]
        if not all(len(pair) == 2 for pair in pairs):
            raise Problem(f"{merges_path.as_posix()} has lines that aren't two symbols; copy it again")
        return cls(vocabulary, pairs)  # type: ignore[arg-type]  # each is a pair: just checked

    @property
    def end_of_text(self) -> int | None:
        """The token between documents, with which generation may begin and end."""
        return self.id_of.get(END_OF_TEXT)

    def encode(self, text: str) -> list[int]:
        """Ids of the text. `<|endoftext|>` in it is the token of that name, if the vocabulary has it."""
        ids: list[int] = []
        for i, part in enumerate(text.split(END_OF_TEXT) if self.end_of_text is not None else [text]):
            if i and self.end_of_text is not None:
                ids.append(self.end_of_text)
            for word in WORD.findall(part):
                if word not in self._known:
                    self._known[word] = self._word_ids(word)
                ids += self._known[word]
        return ids

    def _word_ids(self, word: str) -> list[int]:
        symbols = [self._character_of[byte] for byte in word.encode("utf-8")]
        while len(symbols) > 1:
            first = min(pairwise(symbols), key=lambda pair: self.rank_of.get(pair, len(self.rank_of)))
            if first not in self.rank_of:
                break
            symbols = merged(symbols, first)
        return [self.id_of[symbol] for symbol in symbols]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids; bytes that are no UTF-8, as when a character was cut in two, become U+FFFD."""
        text, held = "", bytearray()
        for i in ids:
            if i not in self.token_of:
                raise ValueError(f"{i} is no token; ids go from 0 to {len(self.token_of) - 1}")
            if i == self.end_of_text:
                text, held = text + held.decode("utf-8", errors="replace") + END_OF_TEXT, bytearray()
            else:
                held += bytes(self._byte_of[character] for character in self.token_of[i])
        return text + held.decode("utf-8", errors="replace")
