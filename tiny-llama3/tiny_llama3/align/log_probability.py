"""How likely a model finds what was written: the log-probability of each answer token, and their sum.

The sum, not the mean, is the log-probability of the answer: p(answer) is the product of its tokens' probabilities.

Shapes: B rows, T positions, N targets, V vocabulary.
"""

import torch
from torch import Tensor

from tiny_llama3.batches import Batch
from tiny_llama3.loss import IGNORED
from tiny_llama3.model import Llama


def token_log_probabilities(model: Llama, batch: Batch, temperature: float = 1.0) -> Tensor:
    """log p of every target, (B, T) in nats; 0 where there is none. Raises Problem if a row is too long."""
    hidden_BTD = model.hidden(batch.ids_BT, batch.documents_BT)
    counted_BT = batch.targets_BT != IGNORED
    logits_NV = model.lm_head(hidden_BTD[counted_BT]).float() / temperature  # only where something was written
    log_probability_NV = torch.log_softmax(logits_NV, dim=-1)
    log_probability_N = log_probability_NV.gather(1, batch.targets_BT[counted_BT][:, None])[:, 0]
    return log_probability_N.new_zeros(batch.targets_BT.shape).masked_scatter(counted_BT, log_probability_N)


def answer_log_probabilities(model: Llama, batch: Batch) -> Tensor:
    """log p of every row's answer, (B,), in nats."""
    return token_log_probabilities(model, batch).sum(1)
