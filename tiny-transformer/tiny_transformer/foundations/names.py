"""Items to learn from, one a line (names, say): alphabet, split and batches, as makemore (Karpathy 2022) has them.

A model reads the characters so far and predicts the next. One boundary token (id 0) starts every item and ends it, so
a model also learns where to stop. Losses are nats a token, over every character and the end; padding doesn't count.

Shapes: B items of a batch, T positions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn.utils.rnn import pad_sequence

from ..problem import Problem

BOUNDARY = 0
IGNORE = -1  # the target at padding
FEWEST = 20  # items; fewer leave nothing to hold out
LONGEST = 2_048  # characters of one item; attention's memory grows with the square
MOST_KINDS = 8_192  # different characters; the bigram table grows with the square
SPLIT_SEED = 3407  # makemore's


def read_items(path: Path) -> list[str]:
    """The file's lines, stripped, without empty ones. Raises Problem for a file that can't be learned from."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8 and try again") from None
    items = [line.strip() for line in text.splitlines()]
    items = [item for item in items if item]
    if not items:
        raise Problem(f"{path} is empty; give a text file with one item a line")
    return items


@dataclass(frozen=True)
class Names:
    """Encoded items: a tensor of ids each, with the boundary at both ends. Id i + 1 stands for `characters[i]`."""

    characters: str
    train: list[torch.Tensor]
    validation: list[torch.Tensor]

    @classmethod
    def from_items(cls, items: Sequence[str], seed: int = SPLIT_SEED) -> "Names":
        """Split as makemore does: the last min(1000, 10 %) of a random permutation are held out.

        With its seed, the thousand names that it tests on. A name that the file repeats may be on both sides.
        """
        if len(items) < FEWEST:
            raise Problem(f"only {len(items)} items; the ladder needs at least {FEWEST} lines to split")
        longest = max(items, key=len)
        if len(longest) > LONGEST:
            raise Problem(
                f"the item {longest[:20]!r}… has {len(longest):,} characters, the most is {LONGEST:,}; "
                "put shorter items on the lines"
            )
        characters = "".join(sorted(set("".join(items))))
        if len(characters) > MOST_KINDS:
            raise Problem(f"{len(characters):,} different characters, the most is {MOST_KINDS:,}; take fewer items")
        id_of = {character: i for i, character in enumerate(characters, start=1)}
        order = torch.randperm(len(items), generator=torch.Generator().manual_seed(seed)).tolist()
        encoded = [torch.tensor([BOUNDARY, *(id_of[character] for character in items[i]), BOUNDARY]) for i in order]
        n_held_out = min(1000, len(items) // 10)
        return cls(characters, encoded[:-n_held_out], encoded[-n_held_out:])

    @property
    def vocab_size(self) -> int:
        return len(self.characters) + 1

    @property
    def longest(self) -> int:
        """Positions that a model needs: the longest item after one boundary."""
        return max(len(item) for item in self.train + self.validation) - 1

    def decode(self, ids: Sequence[int]) -> str:
        """The characters up to the first boundary."""
        stop = ids.index(BOUNDARY) if BOUNDARY in ids else len(ids)
        return "".join(self.characters[i - 1] for i in ids[:stop])


def inputs_and_targets(items: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """All but the last and all but the first id of each item, (B, T) both; targets at padding are IGNORE."""
    ids_BT = pad_sequence(list(items), batch_first=True, padding_value=IGNORE)
    return ids_BT[:, :-1].clamp(min=BOUNDARY), ids_BT[:, 1:]


def by_length(items: Sequence[torch.Tensor], tokens: int) -> Iterator[list[torch.Tensor]]:
    """Batches of items of like length, `tokens` targets each at most (or one item): next to no padding to compute."""
    batch: list[torch.Tensor] = []
    for item in sorted(items, key=len):
        if batch and (len(batch) + 1) * (len(item) - 1) > tokens:
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def shuffled_batches(
    items: Sequence[torch.Tensor], tokens: int, generator: torch.Generator
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Inputs and targets without end: every epoch shuffles who is with whom among like lengths, then the batches."""
    while True:
        order = torch.randperm(len(items), generator=generator).tolist()
        batches = list(by_length([items[i] for i in order], tokens))  # sorting keeps the shuffle among equals
        for i in torch.randperm(len(batches), generator=generator).tolist():
            yield inputs_and_targets(batches[i])
