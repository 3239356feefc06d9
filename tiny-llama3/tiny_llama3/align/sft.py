"""Supervised fine-tuning: more pretraining, on conversations, where only the assistant's tokens count.

With the weights of an adapter as the only ones that require a gradient, the same is LoRA fine-tuning.
"""

import random
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

from tiny_llama3.align.rows import batch_of_rows, learnt_tokens, on_device, order, packed
from tiny_llama3.batches import Batch
from tiny_llama3.chat_template import Chat
from tiny_llama3.loss import summed_cross_entropy
from tiny_llama3.model import Llama


class Sft:
    """`per_step` conversations a step, packed into rows of `length`; `micro_rows` go through the model at once."""

    def __init__(
        self,
        model: Llama,
        chats: Sequence[Chat],
        held_out: Sequence[Chat] = (),
        *,
        per_step: int = 32,
        length: int = 256,
        micro_rows: int = 8,
        seed: int = 0,
    ) -> None:
        self.trained = self.model = model
        self.chats, self.held_out = chats, held_out
        self.per_step, self.length, self.micro_rows, self.seed = per_step, length, micro_rows, seed
        self.numbers: dict[str, float] = {}

    def updates(self, step: int) -> Iterator[Iterable[Tensor]]:
        self.model.train()
        chosen = [self.chats[place] for place in order(len(self.chats), self.per_step, step, self.seed)]
        batches = self._batches(packed(chosen, self.length, random.Random(f"pack {self.seed} {step}")))
        tokens = sum(map(learnt_tokens, batches))
        self.numbers = {"tokens": sum(len(chat.ids) for chat in chosen)}
        # the mean is over the tokens of the whole step: a short answer's token counts as much as a long one's
        yield (self._summed_loss(batch) / max(tokens, 1) for batch in batches)

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """Mean loss on the held-out conversations, in nats an assistant's token."""
        if not self.held_out:
            return {}
        self.model.eval()
        batches = self._batches(packed(self.held_out, self.length, random.Random(0)))
        total = sum(float(self._summed_loss(batch)) for batch in batches)
        return {"validation_loss": total / max(sum(map(learnt_tokens, batches)), 1)}

    def _batches(self, rows: Sequence[Sequence[Chat]]) -> list[Batch]:
        device = self.model.model.embed_tokens.weight.device
        parts = (rows[start : start + self.micro_rows] for start in range(0, len(rows), self.micro_rows))
        return [on_device(batch_of_rows(part), device) for part in parts]

    def _summed_loss(self, batch: Batch) -> Tensor:
        hidden_BTD = self.model.hidden(batch.ids_BT, batch.documents_BT)
        return summed_cross_entropy(hidden_BTD, self.model.lm_head.weight, batch.targets_BT)
