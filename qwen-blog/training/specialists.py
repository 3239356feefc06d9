"""Which expert works on which kind of token? `python -m training.specialists` prints the shares of every layer."""

import random
import re
from pathlib import Path
from typing import Any

import torch

from qwen_blog import hub
from qwen_blog.experts import routers
from qwen_blog.model import Qwen
from qwen_blog.tokenizer import Tokenizer
from training import corpus

KINDS = {"English": r" ?[A-Za-z]+", "Chinese": r"[\u4e00-\u9fff]+", "digits": r"[0-9]", "signs": r"[.?!:。？！：、]"}


@torch.inference_mode()
def shares(model: Qwen, tokenizer: Tokenizer, texts: int = 300, seed: int = 99) -> dict[str, torch.Tensor]:
    """For each kind of token, the share of each expert's work on it: (layers, experts), rows add up to 1."""
    chance = random.Random(seed)
    config = model.config
    counts = {kind: torch.zeros(config.num_hidden_layers, config.num_experts) for kind in KINDS}
    for _ in range(texts):
        made = corpus.text(chance)
        ids = tokenizer.encode(f"{made.question} {made.answer}"[:300])
        with routers(model) as said:
            model(torch.tensor([ids]))
        for place, id in enumerate(ids):
            kind = next((kind for kind, form in KINDS.items() if re.fullmatch(form, tokenizer.decode([id]))), None)
            if kind is not None:
                for layer, router_NE in enumerate(said):
                    counts[kind][layer, router_NE[place].topk(config.num_experts_per_tok).indices] += 1
    return {kind: count / count.sum(-1, keepdim=True) for kind, count in counts.items()}


def shares_by_kind(model: Any, tokenizer: Any) -> dict[str, float]:
    """For each kind, the most that one expert of one layer has of it, as a share of its tokens (chance: top-k / E)."""
    return {
        kind: float(share.max()) * model.config.num_experts_per_tok for kind, share in shares(model, tokenizer).items()
    }


def main() -> None:
    model, tokenizer = hub.load(Path(__file__).resolve().parents[1] / "checkpoints" / "tiny-qwen3-moe")
    assert tokenizer is not None
    for kind, share in shares(model, tokenizer).items():
        print(kind)
        for layer, row in enumerate(share.tolist()):
            print(f"  layer {layer}: " + "  ".join(f"{value:4.0%}" for value in row))


if __name__ == "__main__":
    main()
