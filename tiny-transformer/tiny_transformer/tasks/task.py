"""A task: pairs of texts in three parts, the vocabularies to write them in, and what the measure of success is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tiny_transformer.batches import Pair
from tiny_transformer.bpe import BPE
from tiny_transformer.characters import Characters

Vocabulary = BPE | Characters
Texts = tuple[str, str]  # a source and its target


@dataclass(frozen=True)
class Task:
    """`model` and `training` are what suits this task, as fields of TransformerConfig and TrainingConfig;
    its precision may be `auto`: the device decides, see training.best_precision."""

    name: str
    metric: str  # exact_match or bleu
    train: list[Texts]
    valid: list[Texts]
    test: list[Texts]  # may be empty: `evaluate` takes files
    source_vocabulary: Vocabulary
    target_vocabulary: Vocabulary  # the same object where both sides share one
    model: dict[str, Any]
    training: dict[str, Any]

    def encoded(self, texts: Sequence[Texts]) -> list[Pair]:
        return [(self.source_vocabulary.encode(source), self.target_vocabulary.encode(target))
                for source, target in texts]  # fmt: skip

    def tokens_in(self, texts: Texts) -> int:
        """Of the longer side."""
        return max(len(self.source_vocabulary.encode(texts[0])), len(self.target_vocabulary.encode(texts[1])))


def vocabulary_from_json(data: dict[str, Any]) -> Vocabulary:
    """Raises ValueError or KeyError if it is none."""
    if data["kind"] == BPE.kind:
        return BPE([(int(first), int(second)) for first, second in data["merges"]])
    if data["kind"] == Characters.kind:
        return Characters(data["characters"])
    raise ValueError(f"unknown kind of vocabulary {data['kind']!r}")
