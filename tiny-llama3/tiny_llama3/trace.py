"""Every number between a sentence and its next token: one forward pass, step by step, each step by hand.

It uses nothing of the model but its weights, so this file can be read as what model.py does, without batches, cache and
shortcuts. Shapes: T positions that ask, S positions that are asked (the same ones), V vocabulary, D hidden size, F
feed-forward size, H query heads, G key/value heads, K head size, P = K/2 pairs; HK and GK are heads times head size.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, cast

import torch
from torch import Tensor, nn

from tiny_llama3.model import Block, Llama, RMSNorm
from tiny_llama3.problem import Problem

SHOWN = 4  # values of each tensor
NORM = "x / sqrt(mean(x²) + eps) · weight"


@dataclass(frozen=True, eq=False)
class Step:
    """One tensor and how it came about."""

    number: int
    part: str  # "embedding", "layer 0", "output"
    name: str
    operation: str  # in words or as a formula
    shape_names: str  # "T, D"
    tensor: Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.tensor.shape)

    @property
    def values(self) -> tuple[float, ...]:
        """The first ones of the last position, in the first head; of a plain list, the first ones."""
        row = self.tensor
        while row.ndim > 2:
            row = row[0]
        if row.ndim == 2:
            row = row[-1]
        return tuple(map(float, row.reshape(-1)[:SHOWN].tolist()))


@dataclass
class _Record:
    """record(...) keeps a step and gives its tensor back, so that the computation reads as one."""

    steps: list[Step] = field(default_factory=list)
    part: str = ""
    shown: bool = True

    def __call__(self, name: str, operation: str, shape_names: str, tensor: Tensor) -> Tensor:
        if self.shown:
            self.steps.append(Step(len(self.steps) + 1, self.part, name, operation, shape_names, tensor))
        return tensor


@torch.no_grad()
def trace(
    model: Llama, ids: Sequence[int], name_of: Callable[[int], str], layers: Sequence[int] | None = None
) -> list[Step]:
    """All steps for one sentence, in the order of the computation; all in float32, whatever the type of the weights.

    `name_of` gives a token's text. `layers`: those to show in detail, None is all of them; of another layer only what
    comes out of it. Raises Problem for an empty or too long sentence, and for ids or layers that don't exist.
    """
    config = model.config
    ids, detailed = list(ids), set(range(config.num_hidden_layers) if layers is None else layers)
    _check(model, ids, detailed)
    record = _Record(part="embedding")
    device = model.lm_head.weight.device

    ids_T = record("ids", " ".join(repr(name_of(id)) for id in ids), "T", torch.tensor(ids, device=device))
    x_TD = record(
        "embedding", "row `id` of the embedding table", "T, D", model.model.embed_tokens.weight[ids_T].float()
    )
    for number, block in enumerate(model.model.layers):
        record.part, record.shown = f"layer {number}", number in detailed
        x_TD = _attention(cast(Block, block), x_TD, model.frequency_P.float(), record)
        x_TD = _feed_forward(cast(Block, block), x_TD, record)
        if not record.shown:
            record.shown = True
            record("layer output", "the same steps as in the layers shown", "T, D", x_TD)

    record.part = "output"
    last_TD = record("last norm", NORM, "T, D", _norm(model.model.norm, x_TD))
    logits_TV = record("logits", "last norm @ output layer", "T, V", last_TD @ model.lm_head.weight.float().T)
    chances_TV = record("probabilities", "softmax(logits) = exp(logits) / sum", "T, V", logits_TV.softmax(-1))
    next_id = chances_TV[-1].argmax()
    chance = float(chances_TV[-1, next_id])
    record("next token", f"the most probable after the last: {name_of(int(next_id))!r} ({chance:.1%})", "", next_id)
    return record.steps


def _norm(norm: RMSNorm, x_TD: Tensor) -> Tensor:
    return x_TD / torch.sqrt((x_TD * x_TD).mean(-1, keepdim=True) + norm.eps) * norm.weight.float()


def _projected(layer: nn.Linear, x_TD: Tensor) -> Tensor:
    return x_TD @ layer.weight.float().T + (0 if layer.bias is None else layer.bias.float())


def _attention(block: Block, x_TD: Tensor, frequency_P: Tensor, record: _Record) -> Tensor:
    """What the other positions have to say, added to each."""
    attention, k = block.self_attn, block.self_attn.head_size
    wo_DX, bias = attention.o_proj.weight.float(), " + bias" if attention.q_proj.bias is not None else ""
    normed_TD = record("attention norm", NORM, "T, D", _norm(block.input_layernorm, x_TD))

    query, key, value = (
        _projected(layer, normed_TD) for layer in (attention.q_proj, attention.k_proj, attention.v_proj)
    )
    query_TX = record("query", f"norm @ Wq{bias}: what a position looks for", "T, HK", query)
    key_TX = record("key", f"norm @ Wk{bias}: by what it is found", "T, GK", key)
    value_TX = record("value", f"norm @ Wv{bias}: what it tells", "T, GK", value)

    positions = len(x_TD)
    query_HTK = record("query per head", "cut into heads", "H, T, K", query_TX.view(positions, -1, k).transpose(0, 1))
    key_GTK = record("key per head", "cut into heads", "G, T, K", key_TX.view(positions, -1, k).transpose(0, 1))
    value_GSK = record("value per head", "cut into heads", "G, S, K", value_TX.view(positions, -1, k).transpose(0, 1))

    if isinstance(attention.q_norm, RMSNorm) and isinstance(attention.k_norm, RMSNorm):  # a Qwen3
        query_HTK = record("query norm", f"of each head: {NORM}", "H, T, K", _norm(attention.q_norm, query_HTK))
        key_GTK = record("key norm", f"of each head: {NORM}", "G, T, K", _norm(attention.k_norm, key_GTK))

    angle_TP = torch.arange(positions, device=x_TD.device)[:, None] * frequency_P
    cos_TP = record("cosine", "cos(position · frequency of the pair)", "T, P", angle_TP.cos())
    sin_TP = record("sine", "sin(position · frequency of the pair)", "T, P", angle_TP.sin())
    turned = "pair (a, b) -> (a cos - b sin, a sin + b cos)"
    query_HTK = record("rotated query", turned, "H, T, K", _rotate(query_HTK, cos_TP, sin_TP))
    key_GSK = record("rotated key", turned, "G, S, K", _rotate(key_GTK, cos_TP, sin_TP))

    # each head of keys and values serves H/G query heads, one after the other
    sharing = len(query_HTK) // len(key_GSK)
    key_HSK, value_HSK = (tensor.repeat_interleave(sharing, dim=0) for tensor in (key_GSK, value_GSK))
    shared = f"; a key head serves {sharing} query heads" if sharing > 1 else ""
    scores_HTS = record("scores", f"query · key / √K{shared}", "H, T, S", query_HTK @ key_HSK.transpose(1, 2) / k**0.5)
    mask_TS = torch.full((positions, positions), -torch.inf, device=x_TD.device).triu(1)
    mask_TS = record("mask", "0 up to the position itself, -∞ after it", "T, S", mask_TS)
    scores_HTS = record("masked scores", "scores + mask", "H, T, S", scores_HTS + mask_TS)
    weights_HTS = record("attention weights", "softmax over S: each row sums to 1", "H, T, S", scores_HTS.softmax(-1))
    mixed_HTK = record("weighted values", "attention weights @ value", "H, T, K", weights_HTS @ value_HSK)

    joined_TX = record("joined heads", "one beside the other", "T, HK", mixed_HTK.transpose(0, 1).flatten(1))
    output_TD = record("attention output", "joined heads @ Wo", "T, D", joined_TX @ wo_DX.T)
    return record("after attention", "what came into the layer + attention output", "T, D", x_TD + output_TD)


def _rotate(x_HTK: Tensor, cos_TP: Tensor, sin_TP: Tensor) -> Tensor:
    first_HTP, second_HTP = x_HTK.chunk(2, dim=-1)  # pair i is (i, i + K/2)
    return torch.cat([first_HTP * cos_TP - second_HTP * sin_TP, first_HTP * sin_TP + second_HTP * cos_TP], dim=-1)


def _feed_forward(block: Block, x_TD: Tensor, record: _Record) -> Tensor:
    """What each position makes of it by itself, added to it."""
    projections = (block.mlp.gate_proj, block.mlp.up_proj, block.mlp.down_proj)
    gate_FD, up_FD, down_DF = (projection.weight.float() for projection in projections)
    normed_TD = record("feed-forward norm", NORM, "T, D", _norm(block.post_attention_layernorm, x_TD))
    gate_TF = record("gate", "norm @ W gate", "T, F", normed_TD @ gate_FD.T)
    up_TF = record("up", "norm @ W up", "T, F", normed_TD @ up_FD.T)
    gated_TF = record(
        "gated", "silu(gate) · up, silu(x) = x / (1 + exp(-x))", "T, F", gate_TF * gate_TF.sigmoid() * up_TF
    )
    down_TD = record("down", "gated @ W down", "T, D", gated_TF @ down_DF.T)
    return record("after feed-forward", "after attention + down", "T, D", x_TD + down_TD)


def format_trace(steps: Sequence[Step]) -> str:
    """A table for a terminal, one part below the other: number, name, shape, first values, operation."""
    rows = [[str(step.number), step.name, _shape(step), _values(step), step.operation] for step in steps]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = ["The values are the first ones of the last position, in the first head."]
    for part, group in groupby(zip(steps, rows, strict=True), key=lambda pair: pair[0].part):
        lines += ["", part]
        for _, (number, *cells, operation) in group:
            padded = [cell.ljust(width) for cell, width in zip(cells, widths[1:], strict=True)]
            lines.append("  ".join([f"  {number.rjust(widths[0])}", *padded, operation]).rstrip())
    return "\n".join(lines)


def _shape(step: Step) -> str:
    names = step.shape_names.split(", ") if step.shape_names else []
    return " ".join(f"{name}={size}" for name, size in zip(names, step.shape, strict=True))


def _values(step: Step) -> str:
    if not step.tensor.is_floating_point():
        shown = " ".join(str(int(value)) for value in step.values)
    else:
        shown = " ".join(f"{value:8.4f}" for value in step.values)
    width = step.shape[-1] if step.shape else 1
    return f"{shown} …" if width > SHOWN else shown


def as_dicts(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """The steps for a program: all but the tensors themselves."""
    return [
        {"number": step.number, "part": step.part, "name": step.name, "operation": step.operation,
         "shape": list(step.shape), "shape_names": step.shape_names, "values": list(step.values)}
        for step in steps
    ]  # fmt: skip


def _check(model: Llama, ids: list[int], layers: set[int]) -> None:
    config = model.config
    if not ids:
        raise Problem("there is no token to trace; give a text that isn't empty")
    if len(ids) > config.max_position_embeddings:
        raise Problem(f"{len(ids)} positions are more than the model's {config.max_position_embeddings}; "
                      "shorten the text")  # fmt: skip
    if not 0 <= min(ids) <= max(ids) < config.vocab_size:
        raise Problem(f"an id lies outside the model's vocabulary of {config.vocab_size}; "
                      "use the tokenizer that belongs to the model")  # fmt: skip
    if wrong := sorted(layers - set(range(config.num_hidden_layers))):
        raise Problem(f"there is no layer {wrong[0]}; the model's layers are 0 to {config.num_hidden_layers - 1}")
