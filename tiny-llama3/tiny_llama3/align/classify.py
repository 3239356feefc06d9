"""Classification: a pretrained model reads a text, a new head on its last token says what it is.

Beside it stands what needs no neural network: counting words.

Shapes: B texts, C labels.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from tiny_llama3.align.chat_files import Labelled
from tiny_llama3.align.rows import order
from tiny_llama3.align.scorer import Scorer
from tiny_llama3.problem import Problem
from tiny_llama3.tokenizer import Tokenizer


def label_names(texts: Sequence[Labelled]) -> list[str]:
    """Sorted; raises Problem if there is nothing to tell apart."""
    names = sorted({each.label for each in texts})
    if len(names) < 2:
        raise Problem(f"all texts have the label {names[0]!r}; give texts of two labels at least")
    return names


class Classify:
    """`per_step` texts a step."""

    def __init__(
        self,
        scorer: Scorer,
        tokenizer: Tokenizer,
        texts: Sequence[Labelled],
        held_out: Sequence[Labelled] = (),
        *,
        per_step: int = 32,
        micro_rows: int = 32,
        seed: int = 0,
    ) -> None:
        unknown = sorted({each.label for each in (*texts, *held_out)} - set(scorer.labels))
        if unknown:
            raise Problem(f"the label {unknown[0]!r} is not one of {', '.join(scorer.labels)}; correct the text")
        self.trained = self.scorer = scorer
        self.tokenizer, self.texts, self.held_out = tokenizer, texts, held_out
        self.per_step, self.micro_rows, self.seed = per_step, micro_rows, seed
        self.numbers: dict[str, float] = {}

    def updates(self, step: int) -> Iterator[Iterable[Tensor]]:
        self.scorer.train()
        chosen = [self.texts[place] for place in order(len(self.texts), self.per_step, step, self.seed)]
        self.numbers = {"tokens": sum(map(len, self._ids(chosen)))}
        yield (self._losses(part).sum() / len(chosen) for part in self._parts(chosen))

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """Loss and accuracy on held-out texts."""
        if not self.held_out:
            return {}
        found = self.predict([each.text for each in self.held_out])
        right = sum(label == each.label for label, each in zip(found, self.held_out, strict=True))
        loss = sum(float(self._losses(part).sum()) for part in self._parts(self.held_out)) / len(self.held_out)
        return {"validation_loss": loss, "accuracy": right / len(self.held_out)}

    @torch.no_grad()
    def predict(self, texts: Sequence[str]) -> list[str]:
        self.scorer.eval()
        labels: list[str] = []
        for part in self._parts([Labelled(text, "") for text in texts]):
            labels += [self.scorer.labels[place] for place in self.scorer.scores(self._ids(part)).argmax(-1).tolist()]
        return labels

    def _losses(self, texts: Sequence[Labelled]) -> Tensor:
        """(B,), in nats."""
        wanted_B = torch.tensor([self.scorer.labels.index(each.label) for each in texts])
        scores_BC = self.scorer.scores(self._ids(texts)).float()
        return functional.cross_entropy(scores_BC, wanted_B.to(scores_BC.device), reduction="none")

    def _ids(self, texts: Sequence[Labelled]) -> list[list[int]]:
        begin = [] if self.tokenizer.bos_id is None else [self.tokenizer.bos_id]
        room = self.scorer.config.max_position_embeddings
        return [[*begin, *self.tokenizer.encode(each.text)][:room] for each in texts]  # the beginning of a long text

    def _parts(self, texts: Sequence[Labelled]) -> Iterator[Sequence[Labelled]]:
        return (texts[start : start + self.micro_rows] for start in range(0, len(texts), self.micro_rows))


class BagOfWords:
    """Naive Bayes with add-one smoothing: each word speaks for the labels in whose texts it is frequent.

    It forgets the order. A Chinese character counts as a word.
    """

    def __init__(self, texts: Sequence[Labelled]) -> None:
        self.labels = label_names(texts)
        self.texts_of = Counter(each.label for each in texts)
        self.words_of: dict[str, Counter[str]] = {label: Counter() for label in self.labels}
        for each in texts:
            self.words_of[each.label].update(words(each.text))
        self.known = set().union(*self.words_of.values())

    def predict(self, text: str) -> str:
        found = [word for word in words(text) if word in self.known]

        def log_probability(label: str) -> float:
            counts = self.words_of[label]
            total = counts.total() + len(self.known)
            return math.log(self.texts_of[label]) + sum(math.log((counts[word] + 1) / total) for word in found)

        return max(self.labels, key=log_probability)

    def accuracy(self, texts: Sequence[Labelled]) -> float:
        return sum(self.predict(each.text) == each.label for each in texts) / len(texts)


def words(text: str) -> list[str]:
    return re.findall(r"[\u4e00-\u9fff]|[^\W\d_\u4e00-\u9fff]+|\d+", text.lower())
