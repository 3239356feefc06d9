"""GAOKAO choice questions with the examination's partial credit (GAOKAO-Bench, Zhang et al. 2023, arXiv:2305.12474).

    one right option      right 1, else 0
    several right options all of them 1; some of them and no wrong one 0.5; any wrong one, or none, 0

By hand, key AC: "故选：AC" 1 · "【答案】A" 0.5 · "答案是 A、B" 0 · "" 0. A question's points are multiplied by
that, so 6 points give 6, 3 or 0. (An empty answer has no wrong option in it; giving it half the points would be a bug.
Papers since 2024 grade several options more finely; these are the rules of 2010 to 2023.)

The key is written as GAOKAO-Bench writes it, ["AC"], or letter by letter, ["A", "C"]: both mean that A and C are
right. So unlike elsewhere in this package, several answers here aren't alternatives.
"""

from collections.abc import Sequence

from tiny_eval.metrics.choice import key, letters


def gaokao_choice(pred: str, answers: Sequence[str]) -> float:
    """0.0, 0.5 or 1.0 of the question's points; the letters are read by the chain "gaokao"."""
    right = frozenset().union(*key(answers))
    chosen = letters(pred, "gaokao")
    if chosen == right:
        return 1.0
    return 0.5 if chosen and chosen < right else 0.0
