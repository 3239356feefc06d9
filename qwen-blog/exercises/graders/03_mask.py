"""The example of the text, then every small row against qwen_blog.masks."""

from itertools import product
from types import ModuleType

import torch
from tiny_shared.exercises import expect

from qwen_blog.masks import mask


def check(answer: ModuleType) -> None:
    got = answer.may_look([0, 1, 1, 1, 2], 2)
    expect("may_look([0, 1, 1, 1, 2], 2)", got, [[0], [1], [1, 2], [2, 3], [4]])
    for documents in product((0, 1, 2), repeat=4):
        for window in (None, 1, 2, 3):
            allowed = mask(torch.tensor([documents]), 4, window)[0, 0]
            wanted = [row.nonzero()[:, 0].tolist() for row in allowed]
            expect(f"may_look({list(documents)}, {window})", answer.may_look(list(documents), window), wanted)
