"""One pass from the end."""


def advantages(rewards: list[float], values: list[float], gamma: float, lam: float) -> tuple[list[float], list[float]]:
    found: list[float] = []
    next_value = next_advantage = 0.0
    for reward, value in zip(reversed(rewards), reversed(values), strict=True):
        next_advantage = reward + gamma * next_value - value + gamma * lam * next_advantage
        next_value = value
        found.insert(0, next_advantage)
    return found, [a + v for a, v in zip(found, values, strict=True)]
