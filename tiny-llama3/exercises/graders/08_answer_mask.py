"""Compare with the definition, position by position, on random rows."""

import random
from types import ModuleType

from tiny_shared.exercises import expect


def check(answer: ModuleType) -> None:
    first = [(1, False), (5, False), (7, True), (2, True)]
    second = [(1, False), (6, False), (2, True)]
    expect(
        "targets of the row in the text", answer.targets([first, second], 8), [-100, 7, 2, -100, -100, 2, -100, -100]
    )
    expect("targets of no conversation, 3 positions", answer.targets([], 3), [-100] * 3)
    expect("targets of a learnt first token, then one more", answer.targets([[(9, True), (4, True)]], 2), [4, -100])

    chance = random.Random(8)
    for _ in range(20):
        row = [[(chance.randrange(1, 90), chance.random() < 0.5) for _ in range(chance.randint(1, 6))]
               for _ in range(chance.randint(1, 4))]  # fmt: skip
        length = sum(map(len, row)) + chance.randint(0, 4)
        wanted = [-100] * length
        start = 0
        for conversation in row:
            for place in range(len(conversation) - 1):
                id, learnt = conversation[place + 1]
                wanted[start + place] = id if learnt else -100
            start += len(conversation)
        expect(f"targets of {row}, {length} positions", answer.targets([list(each) for each in row], length), wanted)
