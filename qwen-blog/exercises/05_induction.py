"""Chapter 5: find the heads that copy.

A text of `half` tokens stands there twice. `weights` is one head's attention: weights[t][s] is the share that position
t gives to position s. In the second half, the token at t stood at t - half before; an induction head looks at what came
after it there, at t - half + 1. The score is the mean share on that place, over the positions of the second half.

With half = 2, tokens a b a b: position 2 (the second a) should look at position 1 (the first b), position 3 (the second
b) at position 2. Shares of 0.9 and 0.7 there make a score of 0.8.

归纳头在第二遍里回头看“上次同一个词元之后的那个位置”，也就是 t - half + 1；得分是这些份额的平均。
"""


def induction_score(weights: list[list[float]], half: int) -> float:
    """From 0 to 1; `weights` has 2 · half rows and columns."""
    raise NotImplementedError("your turn")
