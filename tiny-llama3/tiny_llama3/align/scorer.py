"""A model that judges instead of writing: in place of the output layer, a score for the text up to its last token.

One score makes a reward model or a critic, several make a classifier. The folder is that of
`LlamaForSequenceClassification`, so `transformers` loads it.

Shapes: B rows, T positions, D hidden size, C scores.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from tiny_llama3 import config_json, hub
from tiny_llama3.align.rows import PADDING
from tiny_llama3.model import Llama, LlamaConfig
from tiny_llama3.problem import Problem
from tiny_llama3.tokenizer import Tokenizer
from tiny_llama3.training import load_weights

Write = Callable[[Path, bytes], object]


class Scorer(Llama):
    """Llama with a head of C scores; the layers are named as before."""

    def __init__(self, config: LlamaConfig, labels: Sequence[str]) -> None:
        super().__init__(config)
        del self.lm_head
        self.labels = tuple(labels)
        self.average = 0.0  # of a reward model's scores, whose zero is arbitrary
        self.score = nn.Linear(config.hidden_size, len(labels), bias=False)
        nn.init.zeros_(self.score.weight)  # no opinion yet

    def scores(self, rows: Sequence[Sequence[int]]) -> Tensor:
        """(B, C), read off at each row's last token, which has seen all others."""
        ids_BT, documents_BT = padded(rows, self.score.weight.device)
        last_B = torch.tensor([len(row) - 1 for row in rows], device=ids_BT.device)
        hidden_BTD = self.hidden(ids_BT, documents_BT)
        scores_BC: Tensor = self.score(hidden_BTD[torch.arange(len(rows), device=ids_BT.device), last_B])
        return scores_BC

    def values(self, ids_BT: Tensor, documents_BT: Tensor) -> Tensor:
        """The first score at every position, (B, T): for a critic, what it expects from there on."""
        values_BT1: Tensor = self.score(self.hidden(ids_BT, documents_BT))
        return values_BT1[..., 0]


def from_base(base: Llama, labels: Sequence[str]) -> Scorer:
    """A scorer that begins with the base model's layers."""
    scorer = Scorer(base.config, labels).to(base.model.embed_tokens.weight.device)
    scorer.model.load_state_dict(base.model.state_dict())
    return scorer


def padded(rows: Sequence[Sequence[int]], device: torch.device | str = "cpu") -> tuple[Tensor, Tensor]:
    """Ids and document numbers (B, T), with padding behind the shorter rows."""
    if not rows or not all(rows):
        raise Problem("a text has no token; give it some")
    longest = max(map(len, rows))
    ids_BT = torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows], device=device)
    documents_BT = torch.tensor([[0] * len(row) + [PADDING] * (longest - len(row)) for row in rows], device=device)
    return ids_BT, documents_BT


def save_scorer(folder: Path, scorer: Scorer, tokenizer: Tokenizer, write: Write) -> None:
    """config.json comes last: a new folder that has it is complete."""
    hub.save_tokenizer(folder, tokenizer, scorer.config, write)
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in scorer.state_dict().items()}
    write(folder / "model.safetensors", safetensors.torch.save(weights, {"format": "pt"}))
    content = config_json.to_json(scorer.config, scorer.score.weight.dtype) | {
        "average_score": scorer.average,
        "architectures": ["LlamaForSequenceClassification"],
        "id2label": {str(number): label for number, label in enumerate(scorer.labels)},
        "label2id": {label: number for number, label in enumerate(scorer.labels)},
    }
    write(folder / "config.json", (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode())


def load_scorer(folder: Path, device: str = "cpu") -> tuple[Scorer, Tokenizer]:
    """Raises Problem for a folder that is missing, not whole or of a model that writes."""
    path = folder / "config.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        labels = [content["id2label"][str(number)] for number in range(len(content["id2label"]))]
        scorer = Scorer(config_json.from_json(content), labels)
        scorer.average = float(content.get("average_score", 0.0))
        load_weights(scorer, safetensors.torch.load_file(folder / "model.safetensors"))
    except OSError as error:
        raise Problem(f"{folder.as_posix()} is no folder of a reward model or classifier ({error.strerror}); "
                      "`reward` and `classify` make one") from None  # fmt: skip
    except (KeyError, TypeError, AttributeError, SafetensorError, ValueError) as error:
        raise Problem(f"{folder.as_posix()}: not a whole reward model or classifier ({error}); `reward` and "
                      "`classify` make one") from None  # fmt: skip
    return scorer.to(device).eval(), Tokenizer.load(folder)
