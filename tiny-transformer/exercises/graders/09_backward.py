"""Compare with tiny_transformer.foundations.micrograd on random expressions."""

import random
from types import ModuleType
from typing import Any

from tiny_shared.exercises import expect

from tiny_transformer.foundations.micrograd import Value


def expression(value: Any, numbers: list[float], seed: int) -> tuple[list[Any], Any, str]:
    """Inputs, result and a text of a random expression; `value` is the class to build it with."""
    rng = random.Random(seed)
    inputs = [value(number) for number in numbers]
    nodes = [(node, "abc"[i]) for i, node in enumerate(inputs)]
    for _ in range(rng.randrange(1, 6)):
        (a, text_a), (b, text_b) = rng.choice(nodes), rng.choice(nodes)
        kind = rng.choice("*+e" if a.data < 3 else "*+")
        if kind == "*":
            nodes.append((a * b, f"({text_a} * {text_b})"))
        elif kind == "+":
            nodes.append((a + b, f"({text_a} + {text_b})"))
        else:
            nodes.append((a.exp(), f"exp({text_a})"))
    result, text = nodes[-1]
    return inputs, result, text


def check(answer: ModuleType) -> None:
    for seed in range(100):
        rng = random.Random(1_000 + seed)
        numbers = [round(rng.uniform(-1, 1), 2) for _ in range(3)]
        ours, our_result, text = expression(Value, numbers, seed)
        theirs, their_result, _ = expression(answer.Value, numbers, seed)
        our_result.backward()
        their_result.backward()
        where = f"with a, b, c = {numbers}: "
        expect(f"{where}{text}", their_result.data, our_result.data, 1e-9 * max(1.0, abs(our_result.data)))
        wanted, got = [value.grad for value in ours], [value.grad for value in theirs]
        expect(f"{where}the gradient of {text}", got, wanted, 1e-9 * max(1.0, *map(abs, wanted)))
