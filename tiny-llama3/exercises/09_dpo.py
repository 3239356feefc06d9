"""Chapter 11: DPO's loss, from log-probabilities of tokens.

For each of B pairs you get four tensors (B, T): the log-probabilities that the policy and the reference give to the
tokens of the chosen and of the rejected answer. Answers have different lengths; the masks are True on an answer's
tokens, and what stands elsewhere counts for nothing.

    log-ratio of an answer = sum over its tokens of (policy - reference)
    loss = -log σ(β · (log-ratio of the chosen - log-ratio of the rejected)), mean over the pairs

One pair, β = 0.1: the chosen answer's two tokens have policy -1, -1 and reference -2, -2, the rejected one's single
token has policy -3 and reference -2: log-ratios 2 and -1, loss -log σ(0.3) = 0.5544.

-log σ(x) = log(1 + exp(-x)); for x = -200 exp would be inf. Write it so that large distances of both signs work,
without torch's logsigmoid and softplus.

每对两个回答：先把各自词元上“策略减参考”的对数概率加起来，再代入 -log σ(β · 差)，最后对各对求平均。
遮罩以外的数一概不算。差很大时 exp 会溢出，换一种写法。
"""

import torch


def dpo_loss(
    policy_chosen: torch.Tensor,
    reference_chosen: torch.Tensor,
    chosen_mask: torch.Tensor,
    policy_rejected: torch.Tensor,
    reference_rejected: torch.Tensor,
    rejected_mask: torch.Tensor,
    beta: float,
) -> torch.Tensor:
    """The mean loss in nats, one number."""
    raise NotImplementedError("your turn")
