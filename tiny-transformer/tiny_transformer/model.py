"""The Transformer (Vaswani et al. 2017, arXiv:1706.03762): an encoder that reads, a decoder that writes.

Shapes: B batch, S source positions, T target positions, D model size, V target vocabulary. Masks: True = may attend.
"""

import math
from dataclasses import dataclass

from torch import Tensor, nn

from tiny_transformer.cache import Cache
from tiny_transformer.dropout import dropout
from tiny_transformer.layers import DecoderLayer, EncoderLayer
from tiny_transformer.masks import causal_mask, padding_mask
from tiny_transformer.positions import sinusoidal_positions
from tiny_transformer.problem import Problem


@dataclass(frozen=True)
class TransformerConfig:
    """The shape of a model; nonsense is refused here, before anything is built.

    `dropout` acts where the paper has it: on the embeddings and on what each sub-layer adds. `inner_dropout` acts on
    attention weights and inside the feed-forward network too, which helps where data are scarce.
    """

    vocab_size: int = 8000
    target_vocab_size: int | None = None  # None: as vocab_size
    d_model: int = 256
    n_heads: int = 8
    n_layers: int = 3  # so many in the encoder, and as many in the decoder
    d_ff: int = 1024
    dropout: float = 0.1
    max_len: int = 512
    pad_id: int = 0
    bos_id: int = 1
    eos_id: int = 2
    pre_norm: bool = False
    tie_embeddings: bool = False  # one table for source, target and output
    inner_dropout: float = 0.0

    def __post_init__(self) -> None:
        for name in ("vocab_size", "d_model", "n_heads", "n_layers", "d_ff", "max_len"):
            if getattr(self, name) < 1:
                raise Problem(f"{name} must be 1 or more (got {getattr(self, name)})")
        if self.d_model % self.n_heads:
            raise Problem(f"n_heads must divide d_model (got {self.n_heads}, {self.d_model})")
        for name in ("dropout", "inner_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise Problem(f"{name} must be from 0 to below 1 (got {getattr(self, name)})")
        smallest = min(self.vocab_size, self.target_size)
        special = {"pad_id": self.pad_id, "bos_id": self.bos_id, "eos_id": self.eos_id}
        for name, token in special.items():
            if not 0 <= token < smallest:
                raise Problem(f"{name} must be a token of both vocabularies, 0 to {smallest - 1} (got {token})")
        if len(set(special.values())) < len(special):
            raise Problem(f"pad_id, bos_id and eos_id must differ (got {special})")
        if self.tie_embeddings and self.target_size != self.vocab_size:
            raise Problem(
                f"tie_embeddings needs one vocabulary for both sides (got {self.vocab_size} and {self.target_size})"
            )

    @property
    def target_size(self) -> int:
        return self.vocab_size if self.target_vocab_size is None else self.target_vocab_size


class Transformer(nn.Module):
    """`model(source_ids, target_ids)` gives logits; position t of the target predicts token t + 1."""

    positions_LD: Tensor

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = c = config
        shape = (c.d_model, c.n_heads, c.d_ff, c.dropout, c.inner_dropout, c.pre_norm)
        self.source_embedding = nn.Embedding(c.vocab_size, c.d_model)
        self.target_embedding = nn.Embedding(c.target_size, c.d_model)
        self.encoder = nn.ModuleList(EncoderLayer(*shape) for _ in range(c.n_layers))
        self.decoder = nn.ModuleList(DecoderLayer(*shape) for _ in range(c.n_layers))
        # post-norm layers end with a norm of their own
        self.encoder_norm = nn.LayerNorm(c.d_model) if c.pre_norm else nn.Identity()
        self.decoder_norm = nn.LayerNorm(c.d_model) if c.pre_norm else nn.Identity()
        self.output = nn.Linear(c.d_model, c.target_size, bias=False)
        self.register_buffer("positions_LD", sinusoidal_positions(c.max_len, c.d_model), persistent=False)
        self.initialise()
        if c.tie_embeddings:
            self.target_embedding.weight = self.output.weight = self.source_embedding.weight

    def initialise(self) -> None:
        for name, parameter in self.named_parameters():
            if "embedding" in name or name == "output.weight":
                # times √D in `embed`, each feature starts with variance 1; as an output row, logits do
                nn.init.normal_(parameter, std=self.config.d_model**-0.5)
            elif parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, source_ids_BS: Tensor, target_ids_BT: Tensor) -> Tensor:
        """Logits (B, T, V). Positions that hold `pad_id` are never attended to."""
        source_mask = padding_mask(source_ids_BS, self.config.pad_id)
        return self.decode(target_ids_BT, self.encode(source_ids_BS), source_mask)

    def encode(self, source_ids_BS: Tensor) -> Tensor:
        """The memory (B, S, D): every source token, seen in the light of all others."""
        mask = padding_mask(source_ids_BS, self.config.pad_id)
        x_BSD = self.embed(source_ids_BS, self.source_embedding)
        for layer in self.encoder:
            x_BSD = layer(x_BSD, mask)
        return self.encoder_norm(x_BSD)

    def decode(
        self, target_ids_BT: Tensor, memory_BSD: Tensor, source_mask: Tensor | None = None, cache: Cache | None = None
    ) -> Tensor:
        """Logits (B, T, V) of the token after each target position.

        With a `cache`, `target_ids_BT` are only the positions that it has not seen; they must not be padding.
        """
        start = 0 if cache is None else cache.length
        length = target_ids_BT.shape[1]
        mask = causal_mask(start + length, target_ids_BT.device)[start:]
        if cache is None:
            mask = mask & padding_mask(target_ids_BT, self.config.pad_id)
        x_BTD = self.embed(target_ids_BT, self.target_embedding, start)
        for number, layer in enumerate(self.decoder):
            x_BTD = layer(x_BTD, memory_BSD, mask, source_mask, None if cache is None else cache.layers[number])
        if cache is not None:
            cache.length += length
        return self.output(self.decoder_norm(x_BTD))

    def embed(self, ids_BT: Tensor, embedding: nn.Embedding, start: int = 0) -> Tensor:
        """Tokens and places as vectors, (B, T, D); the first column stands at position `start`."""
        end = start + ids_BT.shape[1]
        if end > self.config.max_len:
            raise ValueError(f"a sequence of {end} tokens is longer than max_len ({self.config.max_len}); shorten it")
        x_BTD = embedding(ids_BT) * math.sqrt(self.config.d_model) + self.positions_LD[start:end]
        return dropout(x_BTD, self.config.dropout, self.training)
