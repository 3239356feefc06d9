"""Two models on one text, side by side: what they say at the end, after each layer, and how far back they look.

Shapes: T positions, S positions asked, D hidden size, H heads, L layers, V vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from qwen_blog.model import Qwen
from qwen_blog.problem import Problem
from qwen_blog.recorder import recorded


@dataclass(frozen=True)
class Look:
    """What one model makes of the text; rows of `lens_LV` are its opinion on the next token after each layer."""

    logits_V: Tensor
    lens_LV: Tensor  # log-probabilities; row 0 after the embedding, row l + 1 after layer l
    weights_HTS: tuple[Tensor, ...]  # of each layer


@torch.inference_mode()
def look(model: Qwen, ids: Sequence[int]) -> Look:
    root, logits_BTV = recorded(model, ids)
    visits = root.first("Body.forward").all("Layer.forward")
    last_LD = torch.stack([visits[0].tensors["x_BTD"][0, -1], *(visit.tensors["out_BTD"][0, -1] for visit in visits)])
    lens_LV = model.lm_head(model.model.norm(last_LD)).float().log_softmax(-1)
    weights = tuple(visit.first("attend").tensors["weights_BHTS"][0].float() for visit in visits)
    return Look(logits_BTV[0, -1].float(), lens_LV, weights)


def attention_distance(weights_HTS: Tensor) -> Tensor:
    """How many positions back each head looks on average, (H,)."""
    places = torch.arange(weights_HTS.shape[1], device=weights_HTS.device)
    back_TS = places[:, None] - places
    return (weights_HTS * back_TS).sum(-1).mean(-1)


def divergence(a_V: Tensor, b_V: Tensor) -> float:
    """Kullback-Leibler divergence of log-probabilities, in nats: b's surprise at what a would say, beyond a's own."""
    return max(0.0, float((a_V.exp() * (a_V - b_V)).sum()))


@dataclass(frozen=True)
class Pair:
    """One layer of each model."""

    layers: tuple[int, int]  # -1: the embedding
    divergence: float  # of the lenses, in nats
    distance: tuple[float, float] | None  # mean attention distance of the heads, in positions; None for the embedding


@dataclass(frozen=True)
class Comparison:
    largest: float  # difference of two logits
    divergence: float  # of the two answers, in nats
    top: tuple[list[tuple[int, float]], list[tuple[int, float]]]  # each one's five best ids and their probabilities
    pairs: list[Pair]


def compare(a: Qwen, b: Qwen, ids: Sequence[int], layers: tuple[int, int] | None = None) -> Comparison:
    """Side by side, layer by layer (a deeper model's layers at the same share of its depth), or only `layers`.

    Raises Problem for models with different vocabularies, whose answers can't be compared.
    """
    if a.config.vocab_size != b.config.vocab_size:
        raise Problem(f"the models have {a.config.vocab_size:,} and {b.config.vocab_size:,} tokens, so their answers "
                      "can't be compared; take two of one family")  # fmt: skip
    one, other = look(a, ids), look(b, ids)
    deep, deeper = len(one.weights_HTS), len(other.weights_HTS)
    matched = [(place, round(place * deeper / deep)) for place in range(deep + 1)]
    if layers is not None:
        for layer, count in zip(layers, (deep, deeper), strict=True):
            if not 0 <= layer < count:
                raise Problem(f"there is no layer {layer}; the model has the layers 0 to {count - 1}")
        matched = [(layers[0] + 1, layers[1] + 1)]
    pairs = []
    for left, right in matched:
        distances = None
        if left and right:
            distances = (float(attention_distance(one.weights_HTS[left - 1]).mean()),
                         float(attention_distance(other.weights_HTS[right - 1]).mean()))  # fmt: skip
        pairs.append(Pair((left - 1, right - 1), divergence(one.lens_LV[left], other.lens_LV[right]), distances))
    return Comparison(
        largest=float((one.logits_V - other.logits_V).abs().max()),
        divergence=divergence(one.lens_LV[-1], other.lens_LV[-1]),
        top=(_best(one), _best(other)),
        pairs=pairs,
    )


def _best(look: Look) -> list[tuple[int, float]]:
    best = look.lens_LV[-1].topk(5)
    return [(int(id), float(value.exp())) for value, id in zip(best.values, best.indices, strict=True)]
