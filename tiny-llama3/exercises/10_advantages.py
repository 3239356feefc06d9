"""Chapter 12: generalised advantages, backwards through an answer.

At each token of an answer the critic has a value V, what it expects to come, and there is a reward r. From the last
token to the first:

    surprise  δ_t = r_t + γ · V_{t+1} - V_t            after the last token V is 0
    advantage A_t = δ_t + γ · λ · A_{t+1}              after the last token A is 0

Return the advantages, and the returns A_t + V_t that the critic should have expected. Values 0.5, 0.6, 0.8, a reward of
1 at the last token, γ = 1, λ = 0.95:

    δ = 0.1, 0.2, 0.2     A = 0.4705, 0.39, 0.2     returns = 0.9705, 0.99, 1.0

从最后一个词元往前算：先求意外 δ，再求优势 A；最后一个词元之后，V 和 A 都是 0。
返回优势，以及评论家本该预期的回报 A + V。
"""


def advantages(rewards: list[float], values: list[float], gamma: float, lam: float) -> tuple[list[float], list[float]]:
    """Advantages and returns, one for each token."""
    raise NotImplementedError("your turn")
