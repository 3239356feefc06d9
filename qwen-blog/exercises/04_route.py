"""Chapter 6: choose the experts of a token.

From the router's logits come probabilities by softmax. The `chosen` most probable experts work on the token, each with
its probability as its share; Qwen3 makes the shares add up to 1 (`normalised`), Qwen2 leaves them. The logits
[ln 5, 0, ln 3, 0] have the probabilities [0.5, 0.1, 0.3, 0.1]:

    2 chosen → {0: 0.5, 2: 0.3}          2 chosen, normalised → {0: 0.625, 2: 0.375}

先做 softmax，再取概率最高的几位专家；normalised 时让它们的份额加起来等于 1。
"""


def route(logits: list[float], chosen: int, normalised: bool) -> dict[int, float]:
    """Expert -> share, for the chosen ones. Logits may be as large as 1,000 (mind the exponential)."""
    raise NotImplementedError("your turn")
