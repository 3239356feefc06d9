"""Chapter 6: the smoothed loss of one prediction, in nats.

`logits` has one number for each token; softmax makes probabilities p of them. The right token should get 1 - smoothing
plus its share of the rest, and the rest is spread over all V tokens, the right one included:

    wanted(v) = smoothing / V, and 1 - smoothing more for the right token        loss = - sum of wanted(v) · ln p(v)

Logits may be large; ln p(v) = logit(v) - ln(sum of exp(logits)), and the sum is safe with the largest one taken out.

一个预测的标签平滑损失：smoothing 均分给全部 V 个词（包括正确的那个），其余都归正确的词。
logit 可能很大，求 ln p 时先提出最大的那个。
"""


def smoothed_loss(logits: list[float], right: int, smoothing: float) -> float:
    raise NotImplementedError("your turn")
