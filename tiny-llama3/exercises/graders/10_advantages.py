"""Compare with the sum that the recursion stands for: A_t = Σ (γλ)^k δ_{t+k}."""

import random
from types import ModuleType

from tiny_shared.exercises import expect


def check(answer: ModuleType) -> None:
    found, returns = answer.advantages([0.0, 0.0, 1.0], [0.5, 0.6, 0.8], 1.0, 0.95)
    expect("advantages of the answer in the text", [float(each) for each in found], [0.4705, 0.39, 0.2], 1e-6)
    expect("returns of the answer in the text", [float(each) for each in returns], [0.9705, 0.99, 1.0], 1e-6)

    chance = random.Random(10)
    for length in (1, 2, 5, 9):
        for gamma, lam in ((1.0, 1.0), (0.9, 0.5), (1.0, 0.0), (0.99, 0.95)):
            rewards = [chance.uniform(-1, 1) for _ in range(length)]
            values = [chance.uniform(-1, 1) for _ in range(length)]
            after = [*values[1:], 0.0]
            surprises = [r + gamma * n - v for r, n, v in zip(rewards, after, values, strict=True)]
            wanted = [sum((gamma * lam) ** k * surprises[t + k] for k in range(length - t)) for t in range(length)]
            found, returns = answer.advantages(list(rewards), list(values), gamma, lam)
            what = f"of {length} tokens, γ = {gamma}, λ = {lam}"
            expect(f"advantages {what}", [float(each) for each in found], wanted, 1e-6)
            expected = [a + v for a, v in zip(wanted, values, strict=True)]
            expect(f"returns {what}", [float(each) for each in returns], expected, 1e-6)
