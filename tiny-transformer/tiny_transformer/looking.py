"""Where a model looked while it wrote: the attention weights of every layer and head, for one text.

Shapes: L layers, H heads, S source positions, T target positions (one for each token written, eos included).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tiny_transformer.attention import MultiHeadAttention
from tiny_transformer.batches import padded
from tiny_transformer.decoding import greedy
from tiny_transformer.translator import Translator


@dataclass(frozen=True)
class Attention:
    """Row t of `cross_LHTS` is where the decoder looked to write `target[t]`; it had read `read[: t + 1]`."""

    source: list[str]
    read: list[str]
    target: list[str]
    translation: str
    encoder_LHSS: np.ndarray
    decoder_LHTT: np.ndarray
    cross_LHTS: np.ndarray


@torch.no_grad()
def look(translator: Translator, text: str) -> Attention:
    """Translate greedily, then run the model over source and translation once more and keep every attention."""
    model, c = translator.model, translator.model.config
    ids = translator.encode(text)
    source_1S = padded([ids], c.pad_id).to(translator.device)
    (written,) = greedy(model, source_1S, translator.most_tokens(len(ids)))
    with recorded(model) as weights:
        model(source_1S, padded([[c.bos_id, *written]], c.pad_id).to(translator.device))
    tokens = translator.target_vocabulary.tokens(written)

    def stacked(part: str, kind: str) -> np.ndarray:
        layers = (f"{part}.{number}.{kind}" for number in range(c.n_layers))
        return torch.stack([weights[name][0] for name in layers]).cpu().numpy()

    return Attention(
        source=[*translator.source_vocabulary.tokens(ids[:-1]), "<eos>"],
        read=["<bos>", *tokens],
        target=[*tokens, "<eos>"],
        translation=translator.target_vocabulary.decode(written),
        encoder_LHSS=stacked("encoder", "self_attention"),
        decoder_LHTT=stacked("decoder", "self_attention"),
        cross_LHTS=stacked("decoder", "cross_attention"),
    )


@contextmanager
def recorded(model: torch.nn.Module) -> Iterator[dict[str, Tensor]]:
    """While this is open, the weights (B, H, T, S) of every attention are kept under its name in the model."""
    found: dict[str, Tensor] = {}
    originals = {name: module for name, module in model.named_modules() if isinstance(module, MultiHeadAttention)}

    def watched(name: str, module: MultiHeadAttention) -> None:
        def weights(query_BTD: Tensor, key_BHSK: Tensor, mask: Tensor | None = None) -> Tensor:
            found[name] = MultiHeadAttention.weights(module, query_BTD, key_BHSK, mask)
            return found[name]

        module.weights = weights  # type: ignore[method-assign]

    for name, module in originals.items():
        watched(name, module)
    try:
        yield found
    finally:
        for module in originals.values():
            del module.weights
