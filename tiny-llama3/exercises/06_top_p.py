"""Chapter 7: keep the likely tokens (top-p), in plain Python.

Go through the tokens from the most likely one on, and keep each until those that are kept have probability `p` or more
together. The others get 0; those that are kept are divided by their sum, so that they make 1 again. With p = 0.7:

    [0.15, 0.5, 0.05, 0.3]: 0.5 isn't enough, 0.5 + 0.3 = 0.8 is        → [0, 0.625, 0, 0.375]

The token that reaches p stays; so the most likely one always stays, and with p = 1 all do. The answer has the order of
the question. Of equally likely tokens the smaller id comes first.

从最可能的词开始留，一直留到概率之和达到 p 为止；其余的归零，留下的除以它们的和。
刚好使总和达到 p 的那个词也留下。结果的顺序和输入一样。
"""


def top_p(probabilities: list[float], p: float) -> list[float]:
    """A probability for each token again. `probabilities` sum to 1; 0 < p <= 1."""
    raise NotImplementedError("your turn")
