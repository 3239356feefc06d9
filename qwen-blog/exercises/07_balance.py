"""Chapter 6: keep the experts equally busy (the load-balancing loss).

`probabilities[n][e]` is the router's probability of expert e for token n; each token goes to its most probable expert.
The loss is E · Σ over the experts of (share of the tokens that went to e) · (mean probability of e).

Two experts, two tokens with [0.8, 0.2] and [0.4, 0.6]: each expert gets half of the tokens, the mean probabilities are
0.6 and 0.4, and the loss is 2 · (0.5 · 0.6 + 0.5 · 0.4) = 1, the least that there is. If both tokens go to expert 0,
with [0.8, 0.2] and [0.6, 0.4], it is 2 · (1 · 0.7 + 0 · 0.3) = 1.4.

损失 = 专家数 × Σ（该专家分到的词元份额 × 它的平均概率）；大家一样忙时最小，等于 1。
"""


def balance_loss(probabilities: list[list[float]]) -> float:
    """1 is the least. No two probabilities of a token are equal."""
    raise NotImplementedError("your turn")
