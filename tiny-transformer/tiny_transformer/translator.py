"""A trained model with its vocabularies: texts in, texts out, many at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from tiny_transformer.batches import padded
from tiny_transformer.decoding import beam_search, greedy
from tiny_transformer.model import Transformer
from tiny_transformer.problem import Problem
from tiny_transformer.tasks.task import Vocabulary

MORE = 50  # tokens that a target may have beyond its source, as in the paper (section 6.1)


class TooLong(Problem):
    """A text that has more tokens than the model has positions."""


@dataclass(frozen=True)
class Translator:
    model: Transformer
    source_vocabulary: Vocabulary
    target_vocabulary: Vocabulary
    device: str = "cpu"

    def translate(
        self,
        texts: Sequence[str],
        beam: int = 1,
        alpha: float = 0.6,
        batch: int = 64,
        tick: Callable[[int], object] = lambda done: None,
    ) -> list[str]:
        """One translation a text, in their order; beam 1 is greedy. Raises TooLong, naming the text."""
        sources = [self.encode(text, number) for number, text in enumerate(texts, start=1)]
        order = sorted(range(len(texts)), key=lambda number: len(sources[number]))  # little padding in a batch
        results = [""] * len(texts)
        self.model.eval()
        for start in range(0, len(order), batch):
            numbers = order[start : start + batch]
            ids_BS = padded([sources[number] for number in numbers], self.model.config.pad_id).to(self.device)
            for number, tokens in zip(numbers, self._decode(ids_BS, beam, alpha), strict=True):
                results[number] = self.target_vocabulary.decode(tokens)
            tick(len(numbers))
        return results

    def _decode(self, ids_BS: Tensor, beam: int, alpha: float) -> list[list[int]]:
        most = self.most_tokens(ids_BS.shape[1])
        if beam == 1:
            return greedy(self.model, ids_BS, most)
        return beam_search(self.model, ids_BS, most, beam, alpha)

    def most_tokens(self, source_length: int) -> int:
        """Where a target is cut that has not come to its end."""
        return min(self.model.config.max_len - 1, source_length + MORE)

    def encode(self, text: str, number: int = 1) -> list[int]:
        """The source's tokens, eos included."""
        ids = [*self.source_vocabulary.encode(text), self.model.config.eos_id]
        if len(ids) > self.model.config.max_len:
            raise TooLong(
                f"text {number} has {len(ids)} tokens ({text[:30]!r}...); this model reads at most "
                f"{self.model.config.max_len}: split it into sentences"
            )
        return ids
