"""Training beside the same model built from `torch.nn.Transformer`, and decoding with the key/value cache beside
decoding without it.

The shape is that of Multi30k: 32 sentences a batch, 16 tokens each, a joint vocabulary of 6,000. Both models have the
same layers, dropout in the same places, label smoothing and the same Adam; a step is forward, backward and update.
Decoding is greedy to 100 tokens, from random weights that never end a sentence.
"""

import math
from collections.abc import Callable
from importlib.metadata import version

import torch
from tiny_shared.benchmarks import Row, command, in_turn, speed
from torch import Tensor, nn
from torch.nn import functional as F

from tiny_transformer.decoding import greedy
from tiny_transformer.model import Transformer, TransformerConfig
from tiny_transformer.positions import sinusoidal_positions
from tiny_transformer.recipe import smoothed_cross_entropy

BATCH, LENGTH, WRITTEN, ROUNDS, SMOOTHING = 32, 16, 100, 15, 0.1


class Peer(nn.Module):
    """PyTorch's own layers between the same embeddings and output."""

    positions_LD: Tensor

    def __init__(self, c: TransformerConfig) -> None:
        super().__init__()
        self.config = c
        self.embedding = nn.Embedding(c.vocab_size, c.d_model)
        self.layers = nn.Transformer(
            c.d_model, c.n_heads, c.n_layers, c.n_layers, c.d_ff, c.dropout, norm_first=c.pre_norm, batch_first=True
        )
        self.register_buffer("positions_LD", sinusoidal_positions(c.max_len, c.d_model))

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        length = target.shape[1]
        future = torch.ones(length, length, dtype=torch.bool).triu(1)
        padding, target_padding = source == self.config.pad_id, target == self.config.pad_id
        x = self.layers(self.embed(source), self.embed(target), tgt_mask=future, src_key_padding_mask=padding,
                        memory_key_padding_mask=padding, tgt_key_padding_mask=target_padding)  # fmt: skip
        return F.linear(x, self.embedding.weight)

    def embed(self, ids: Tensor) -> Tensor:
        x = self.embedding(ids) * math.sqrt(self.config.d_model) + self.positions_LD[: ids.shape[1]]
        return F.dropout(x, self.config.dropout, self.training)


def run(scale: float = 1.0) -> list[Row]:
    rounds = max(2, round(ROUNDS * scale))
    rows = []
    for dropout in (0.0, 0.3):
        for precision in ("fp32", "bf16"):
            rows.append(training(dropout, precision, rounds))
    written = max(10, round(WRITTEN * scale))
    return [*rows, *(decoding(batch, written, rounds) for batch in (1, BATCH))]


def shape(dropout: float) -> TransformerConfig:
    return TransformerConfig(vocab_size=6000, d_model=256, n_heads=4, n_layers=3, d_ff=512, tie_embeddings=True,
                             dropout=dropout, inner_dropout=dropout)  # fmt: skip


def training(dropout: float, precision: str, rounds: int) -> Row:
    torch.manual_seed(0)
    config = shape(dropout)
    source, target = torch.randint(3, config.vocab_size, (2, BATCH, LENGTH + 1)).unbind()
    source, target = source[:, :LENGTH].clone(), target.clone()
    source[: BATCH // 4, -2:] = target[: BATCH // 4, -1:] = config.pad_id

    def ours(logits: Tensor, wanted: Tensor) -> Tensor:
        return smoothed_cross_entropy(logits, wanted, config.pad_id, SMOOTHING)

    def theirs(logits: Tensor, wanted: Tensor) -> Tensor:
        return F.cross_entropy(logits.flatten(0, 1).float(), wanted.flatten(), ignore_index=config.pad_id,
                               label_smoothing=SMOOTHING, reduction="sum")  # fmt: skip

    here = step(Transformer(config), ours, source, target, precision)
    there = step(Peer(config), theirs, source, target, precision)
    what = f"training, batch {BATCH} × {LENGTH}, {precision}, dropout {dropout:g}"
    return speed(what, BATCH * LENGTH, "tokens/s", f"nn.Transformer {version('torch')}", in_turn(here, there, rounds),
                 command("tiny-transformer", "speed"))  # fmt: skip


def step(
    model: nn.Module, loss: Callable[[Tensor, Tensor], Tensor], source: Tensor, target: Tensor, precision: str
) -> Callable[[], object]:
    adam = torch.optim.Adam(model.parameters(), lr=1e-4, betas=(0.9, 0.98), eps=1e-9, fused=True)

    def work() -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
            logits = model(source, target[:, :-1])
        adam.zero_grad(set_to_none=True)
        (loss(logits, target[:, 1:]) / (BATCH * LENGTH)).backward()
        adam.step()

    return work


def decoding(batch: int, written: int, rounds: int) -> Row:
    torch.manual_seed(0)
    config = shape(0.0)
    model = Transformer(config).eval()
    source = torch.randint(3, config.vocab_size, (batch, LENGTH))
    with torch.no_grad():
        model.output.weight[config.eos_id] = 0.0  # the logits of other tokens reach well above 0

    if greedy(model, source, written) != greedy(model, source, written, cached=False):
        raise ValueError("decoding with and without the cache gives different tokens: nothing to compare")
    seconds = in_turn(lambda: greedy(model, source, written), lambda: greedy(model, source, written, cached=False),
                      max(2, rounds // 5))  # fmt: skip
    return speed(f"greedy decoding of {written} tokens, batch {batch}, with the cache", batch * written, "tokens/s",
                 "without it", seconds, command("tiny-transformer", "speed"))  # fmt: skip
