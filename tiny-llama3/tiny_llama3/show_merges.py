"""How a text becomes tokens, step by step: the same as `Tokenizer.encode`, slowly and with every step kept."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from tiny_llama3.added_tokens import AddedToken, Allowed
from tiny_llama3.tokenizer import Tokenizer

SIGNS = str.maketrans(" \n\t\r", "␣⏎⇥␍")


@dataclass(frozen=True)
class Step:
    """The pair that was joined, its rank, and the pieces there were then."""

    left: bytes
    right: bytes
    rank: int
    pieces: tuple[bytes, ...]


@dataclass(frozen=True)
class Merged:
    """One pre-token, from its bytes to its ids; a token that isn't made by merges has no steps."""

    pretoken: str
    start: tuple[bytes, ...]
    steps: tuple[Step, ...]
    ids: tuple[int, ...]


def show_merges(tokenizer: Tokenizer, text: str, *, allowed_special: Allowed = ()) -> list[Merged]:
    """Each pre-token of the text with the merges made in it; all ids in a row are those of `encode`."""
    tokenizer.encode(text, allowed_special=allowed_special)  # refuses what can't be encoded
    shown: list[Merged] = []
    for part in tokenizer.added.cut(text, tokenizer.added.allowed(allowed_special)):
        if isinstance(part, AddedToken):
            shown.append(Merged(part.text, (part.text.encode(),), (), (part.id,)))
        else:
            shown += (_merged(tokenizer, pretoken) for pretoken in tokenizer.pre_tokenizer.split(part))
    return shown


def _merged(tokenizer: Tokenizer, pretoken: str) -> Merged:
    data = pretoken.encode()
    if tokenizer.ignore_merges and data in tokenizer.vocab:
        return Merged(pretoken, (data,), (), (tokenizer.vocab[data],))
    pieces = start = tuple(data[place : place + 1] for place in range(len(data)))
    steps: list[Step] = []
    while ranked := [
        (rank, place) for place, pair in enumerate(pairwise(pieces)) if (rank := tokenizer.rank(*pair)) is not None
    ]:
        rank, place = min(ranked)  # of equal ranks the one on the left
        left, right = pieces[place : place + 2]
        pieces = (*pieces[:place], left + right, *pieces[place + 2 :])
        steps.append(Step(left, right, rank, pieces))
    return Merged(pretoken, start, tuple(steps), tuple(tokenizer.vocab[piece] for piece in pieces))


def format_merges(shown: Iterable[Merged]) -> str:
    """As text: a paragraph for each pre-token, a line for each merge, the ids in its last line."""
    paragraphs = []
    for merged in shown:
        lines = [(readable(merged.start), "bytes" if merged.steps else "")]
        lines += [
            (readable(step.pieces), f"rank {step.rank}: {readable([step.left])} + {readable([step.right])}")
            for step in merged.steps
        ]
        width = max(len(pieces) for pieces, _ in lines)
        rows = [f"  {pieces:{width}}  {why}".rstrip() for pieces, why in lines]
        name = readable([merged.pretoken.encode()])
        paragraphs.append("\n".join([name, *rows, f"  -> {' '.join(map(str, merged.ids))}"]))
    return "\n\n".join(paragraphs)


def readable(pieces: Iterable[bytes]) -> str:
    """Pieces with | between them; spaces and ends of lines as signs, bytes that are no whole character as <E4>."""
    return "|".join(_readable(piece) for piece in pieces)


def _readable(piece: bytes) -> str:
    letters = piece.decode("utf-8", "surrogateescape").translate(SIGNS)  # a byte that is no character: U+DC00 + byte
    return "".join(
        f"<{ord(letter) - 0xDC00:02X}>" if "\udc80" <= letter <= "\udcff"
        else letter if letter.isprintable() else f"<U+{ord(letter):04X}>"
        for letter in letters
    )  # fmt: skip
