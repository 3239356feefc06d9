"""A solution of exercises/07_balance.py."""


def balance_loss(probabilities: list[list[float]]) -> float:
    tokens, experts = len(probabilities), len(probabilities[0])
    picked = [row.index(max(row)) for row in probabilities]
    return experts * sum(
        picked.count(expert) / tokens * sum(row[expert] for row in probabilities) / tokens for expert in range(experts)
    )
