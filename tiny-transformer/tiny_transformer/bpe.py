"""Byte-pair encoding (Sennrich et al. 2016, arXiv:1508.07909) over UTF-8 bytes: no text is ever out of vocabulary.

Training joins the most frequent pair of neighbouring symbols, again and again; encoding replays the merges in order.
Symbols: 0 padding, 1 start, 2 end, then the 256 bytes, then one for each merge.
"""

import heapq
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

from tiny_transformer.problem import Problem

FIRST_BYTE = 3
FIRST_MERGE = FIRST_BYTE + 256
# Merges stay inside such a piece: a word with the space before it, a digit, a run of signs, a run of spaces. Together
# they cover every text. 40 letters at most, so that a text without spaces costs no more than others.
PIECE = re.compile(r" ?[^\W\d_]{1,40}| ?\d| ?(?:[^\w\s]|_){1,40}|\s{1,40}|.", re.DOTALL)

Merge = tuple[int, int]


class BPE:
    """A vocabulary of bytes and merges; `encode` and `decode` are inverse to each other."""

    kind = "bpe"

    def __init__(self, merges: Sequence[Merge]) -> None:
        self.merges = [(first, second) for first, second in merges]
        self.bytes_of = [b""] * FIRST_BYTE + [bytes([byte]) for byte in range(256)]
        for first, second in self.merges:
            if not (FIRST_BYTE <= first < len(self.bytes_of) and FIRST_BYTE <= second < len(self.bytes_of)):
                raise ValueError(f"merge {first, second} joins symbols that are not there yet")
            self.bytes_of.append(self.bytes_of[first] + self.bytes_of[second])
        self.rank = {merge: number for number, merge in enumerate(self.merges)}
        self._encode_piece: Callable[[str], tuple[int, ...]] = lru_cache(100_000)(self._merge_piece)

    @property
    def size(self) -> int:
        return len(self.bytes_of)

    def encode(self, text: str) -> list[int]:
        return [symbol for piece in PIECE.findall(text) for symbol in self._encode_piece(piece)]

    def _merge_piece(self, piece: str) -> tuple[int, ...]:
        """The merge that was learned first is made first, everywhere in the piece, until none is left."""
        symbols = symbols_of(piece)
        while len(symbols) > 1:
            best = min(pairwise(symbols), key=lambda pair: self.rank.get(pair, len(self.rank)))
            if best not in self.rank:
                break
            symbols = joined(symbols, best, FIRST_MERGE + self.rank[best])
        return tuple(symbols)

    def decode(self, ids: Iterable[int]) -> str:
        """The text; bytes that are no UTF-8, which a model may write, become U+FFFD."""
        return b"".join(self.bytes_of[symbol] for symbol in ids).decode("utf-8", errors="replace")

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """Each symbol as a reader sees it."""
        return [self.bytes_of[symbol].decode("utf-8", errors="replace") for symbol in ids]

    def as_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "merges": self.merges}

    @classmethod
    def train(cls, texts: Iterable[str], vocab_size: int, tick: Callable[[], object] = lambda: None) -> "BPE":
        """Learn merges until there are `vocab_size` symbols, or no pair occurs twice. `tick` is called for each.

        Of equally frequent pairs the one with the smaller numbers is joined, so the result depends on nothing else.
        """
        if vocab_size < FIRST_MERGE:
            raise Problem(f"vocab_size must be {FIRST_MERGE} or more, for the bytes (got {vocab_size})")
        count_of = Counter(piece for text in texts for piece in PIECE.findall(text))
        words, counts = [symbols_of(piece) for piece in count_of], list(count_of.values())
        frequency: Counter[Merge] = Counter()
        words_with: defaultdict[Merge, set[int]] = defaultdict(set)
        for number, word in enumerate(words):
            for pair in pairwise(word):
                frequency[pair] += counts[number]
                words_with[pair].add(number)
        # a frequency in the heap may be out of date: it is then put back with the right one
        heap = [(-often, pair) for pair, often in frequency.items()]
        heapq.heapify(heap)
        merges: list[Merge] = []
        while heap and FIRST_MERGE + len(merges) < vocab_size:
            often, pair = heapq.heappop(heap)
            if frequency[pair] != -often:
                if frequency[pair] > 0:
                    heapq.heappush(heap, (-frequency[pair], pair))
                continue
            if frequency[pair] < 2:
                break
            changed: set[Merge] = set()
            for number in words_with.pop(pair):  # only the words that hold the pair are looked at again
                old = words[number]
                words[number] = new = joined(old, pair, FIRST_MERGE + len(merges))
                for gone in pairwise(old):
                    frequency[gone] -= counts[number]
                for come in pairwise(new):
                    frequency[come] += counts[number]
                    words_with[come].add(number)
                    changed.add(come)
            for come in changed - {pair}:
                heapq.heappush(heap, (-frequency[come], come))
            merges.append(pair)
            tick()
        return cls(merges)


def symbols_of(piece: str) -> list[int]:
    # a lone surrogate has no UTF-8; "?" stands in for it
    return [FIRST_BYTE + byte for byte in piece.encode("utf-8", errors="replace")]


def joined(symbols: Sequence[int], pair: Merge, symbol: int) -> list[int]:
    """Every occurrence of the pair replaced by the symbol, from the left."""
    new: list[int] = []
    for current in symbols:
        # `new[-1:]` may be a symbol just made: it is no part of the pair, being newer than both
        if new and (new[-1], current) == pair:
            new[-1] = symbol
        else:
            new.append(current)
    return new
