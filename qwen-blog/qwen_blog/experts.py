"""Mixture of experts (Shazeer et al. 2017, arXiv:1701.06538): many small MLPs, of which each token uses a few.

Shapes: N = B * T tokens, D hidden size, E experts, C chosen for each token.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from qwen_blog.config import QwenConfig
from qwen_blog.linear import Linear
from qwen_blog.mlp import MLP


class SparseMLP(nn.Module):
    """A router chooses C of E experts for each token; their answers are added, each with its share.

    Qwen2's layers also have a shared expert that answers every token, let through by a gate of its own.
    """

    def __init__(self, config: QwenConfig) -> None:
        super().__init__()
        d = config.hidden_size
        self.chosen, self.normalised = config.num_experts_per_tok, config.norm_topk_prob
        self.gate = Linear(d, config.num_experts, bias=False)
        self.experts = nn.ModuleList(MLP(d, config.moe_intermediate_size) for _ in range(config.num_experts))
        self.shared_expert: MLP | None = None
        if config.model_type == "qwen2_moe":
            self.shared_expert = MLP(d, config.shared_expert_intermediate_size)
            self.shared_expert_gate = Linear(d, 1, bias=False)

    def forward(self, x_BTD: Tensor) -> Tensor:
        x_ND = x_BTD.flatten(0, 1)
        router_NE = self.gate(x_ND)
        probability_NE = router_NE.float().softmax(-1)
        share_NC, chosen_NC = probability_NE.topk(self.chosen, dim=-1)
        if self.normalised:  # the chosen ones' shares add up to 1
            share_NC = share_NC / share_NC.sum(-1, keepdim=True)
        share_NC = share_NC.to(x_ND.dtype)
        mixed_ND = torch.zeros_like(x_ND)
        for expert in chosen_NC.unique().tolist():
            token, place = torch.where(chosen_NC == expert)  # who chose it, and as which of their C
            mixed_ND.index_add_(0, token, self.experts[expert](x_ND[token]) * share_NC[token, place, None])
        if self.shared_expert is not None:
            mixed_ND = mixed_ND + self.shared_expert_gate(x_ND).sigmoid() * self.shared_expert(x_ND)
        return mixed_ND.view_as(x_BTD)


@contextmanager
def routers(model: nn.Module) -> Iterator[list[Tensor]]:
    """Collect what the routers of all layers say, (N, E) each, while the block runs."""
    found: list[Tensor] = []
    gates = [module.gate for module in model.modules() if isinstance(module, SparseMLP)]
    hooks = [gate.register_forward_hook(lambda gate, given, out: found.append(out)) for gate in gates]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def load_balancing_loss(routers_NE: Sequence[Tensor], chosen: int, attention_mask_BT: Tensor | None = None) -> Tensor:
    """Smallest (= `chosen`) when every expert gets as many tokens as the others (Fedus et al. 2021, arXiv:2101.03961).

    E * Σ over experts of (its share of the tokens) * (its mean probability); padding doesn't count. The first factor
    is a count and has no gradient; the second one pulls the probability of a crowded expert down.
    """
    router_NE = torch.cat(list(routers_NE)).float()
    probability_NE = router_NE.softmax(-1)
    picked_NE = torch.zeros_like(probability_NE).scatter_(1, probability_NE.topk(chosen, dim=-1).indices, 1.0)
    counted_N = torch.ones(len(router_NE), device=router_NE.device)
    if attention_mask_BT is not None:
        counted_N = attention_mask_BT.flatten().to(router_NE).repeat(len(routers_NE))
    tokens_E = (picked_NE * counted_N[:, None]).sum(0) / counted_N.sum()
    mean_E = (probability_NE * counted_N[:, None]).sum(0) / counted_N.sum()
    return router_NE.shape[1] * (tokens_E * mean_E).sum()
