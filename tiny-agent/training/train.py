"""Train the small model: python -m training.train --out runs/offline [--steps 3000] [--seed 0] [--go-on DIR]

Llama's layout in PyTorch, characters as tokens, one question with its solution in a row. The loss is on what the model
is to write, and on nothing else: what a user asks and what a tool answers can't be predicted. The weights are saved as
float16 for tiny_agent/offline/network.py, which the end of this script compares with PyTorch, logit by logit.
"""

import argparse
import json
import math
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tiny_agent.offline.model import BEGIN, END, UNKNOWN
from tiny_agent.offline.network import EPSILON, THETA, Network, Shape
from training.questions import COMMON, Example, examples

WIDTH, LAYERS, HEADS, INNER, LONGEST = 128, 4, 4, 352, 512
ROWS, LENGTH = 48, 256
RATE, WARMUP, DECAY = 3e-3, 50, 0.4


class Block(nn.Module):
    """One layer; the names are those of a Llama checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        self.input_layernorm = nn.RMSNorm(WIDTH, eps=EPSILON)
        self.post_attention_layernorm = nn.RMSNorm(WIDTH, eps=EPSILON)
        self.self_attn = nn.ModuleDict({f"{part}_proj": nn.Linear(WIDTH, WIDTH, bias=False) for part in "qkvo"})
        self.mlp = nn.ModuleDict({
            "gate_proj": nn.Linear(WIDTH, INNER, bias=False), "up_proj": nn.Linear(WIDTH, INNER, bias=False),
            "down_proj": nn.Linear(INNER, WIDTH, bias=False),
        })  # fmt: skip

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        rows, length, _ = x.shape
        h = self.input_layernorm(x)
        q, k, v = (self.self_attn[f"{part}_proj"](h).view(rows, length, HEADS, -1).transpose(1, 2) for part in "qkv")
        mixed = functional.scaled_dot_product_attention(turn(q, cos, sin), turn(k, cos, sin), v, is_causal=True)
        x = x + self.self_attn["o_proj"](mixed.transpose(1, 2).reshape(rows, length, WIDTH))
        h = self.post_attention_layernorm(x)
        return x + self.mlp["down_proj"](functional.silu(self.mlp["gate_proj"](h)) * self.mlp["up_proj"](h))


class Small(nn.Module):
    """The whole model; the output layer is the embedding."""

    cos: Tensor
    sin: Tensor

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(vocabulary, WIDTH)
        self.layers = nn.ModuleList(Block() for _ in range(LAYERS))
        self.norm = nn.RMSNorm(WIDTH, eps=EPSILON)
        size = WIDTH // HEADS
        angle = torch.arange(LONGEST)[:, None] * THETA ** (-torch.arange(0, size, 2) / size)
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)
        nn.init.normal_(self.embed_tokens.weight, std=0.02)
        for name, weight in self.named_parameters():
            if weight.ndim == 2 and name.startswith("layers"):
                nn.init.normal_(weight, std=0.02 / (math.sqrt(2 * LAYERS) if "o_proj" in name or "down" in name else 1))

    def forward(self, ids: Tensor) -> Tensor:
        length = ids.shape[1]
        x = self.embed_tokens(ids)
        for layer in self.layers:
            x = layer(x, self.cos[:length], self.sin[:length])
        return self.norm(x)


def turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)


def characters() -> list[str]:
    """The vocabulary: three marks, ASCII, the signs of Chinese texts, and every character that may come up."""
    seen = {chr(code) for code in range(32, 127)} | set("\n，。？！：；、（）“”·°²³") | set(COMMON)
    for held in (False, True):
        for example in islice(examples("vocabulary", held=held), 20_000):
            seen |= set(example.question + "".join(said + told for said, told in example.steps))
    return [UNKNOWN, BEGIN, END, *sorted(seen - {UNKNOWN, BEGIN, END})]


def encode(example: Example, number: dict[str, int]) -> tuple[list[int], list[bool]]:
    """Tokens, and which of them the model is to learn to write."""
    ids: list[int] = []
    learnt: list[bool] = []

    def add(text: str, learn: bool) -> None:
        ids.extend(number[character] for character in text)
        learnt.extend([learn] * len(text))

    add(f"{BEGIN}Question: {example.question}\n", False)
    for said, told in example.steps:
        add(said + END, True)
        if told:
            add(f"\nObservation: {told}\n", False)
    return ids, learnt


def batches(seed: str, number: dict[str, int]) -> Iterator[tuple[Tensor, Tensor]]:
    """(ids, targets), (ROWS, LENGTH) each; -100 where nothing is to be learnt."""
    source = examples(seed)
    while True:
        ids = torch.zeros(ROWS, LENGTH + 1, dtype=torch.long)
        targets = torch.full((ROWS, LENGTH + 1), -100)
        for row, example in enumerate(islice(source, ROWS)):
            found, learnt = encode(example, number)
            found, learnt = found[: LENGTH + 1], learnt[: LENGTH + 1]
            ids[row, : len(found)] = torch.tensor(found)
            targets[row, : len(found)] = torch.tensor(
                [i if learn else -100 for i, learn in zip(found, learnt, strict=True)]
            )
        yield ids[:, :-1], targets[:, 1:]


def rate(step: int, steps: int) -> float:
    """Warm up, stay, fall to zero."""
    if step < WARMUP:
        return (step + 1) / WARMUP
    start = steps * (1 - DECAY)
    return 1.0 if step < start else max(0.0, (steps - step) / (steps - start))


def train(out: Path, steps: int, seed: int, before: Path | None = None, rate_share: float = 1.0) -> None:
    """`before` is a trained model to go on from, with its vocabulary."""
    torch.manual_seed(seed)
    torch.set_num_threads(2)
    about = json.loads((before / "model.json").read_text(encoding="utf-8")) if before else {}
    known = about.get("characters") or characters()
    number = {character: place for place, character in enumerate(known)}
    model = Small(len(known))
    if before:
        with np.load(before / "weights.npz", allow_pickle=False) as kept:
            model.load_state_dict({name: torch.from_numpy(kept[name].astype(np.float32)) for name in kept.files})
    parameters = sum(weight.numel() for weight in model.parameters())
    print(f"{parameters:,} parameters, {len(known)} characters, {steps} steps of {ROWS} questions", flush=True)
    matrices = [weight for weight in model.parameters() if weight.ndim == 2]
    norms = [weight for weight in model.parameters() if weight.ndim == 1]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.05}, {"params": norms, "weight_decay": 0.0}],
                                  lr=RATE, betas=(0.9, 0.95), fused=True)  # fmt: skip
    hidden = torch.compile(model)
    start = time.monotonic()
    log: list[dict[str, object]] = []
    for step, (ids, targets) in zip(
        range(steps),
        batches(f"train {seed} {about.get('trained', '')}" if before else f"train {seed}", number),
        strict=False,
    ):
        for group in optimizer.param_groups:
            group["lr"] = rate_share * RATE * rate(step, steps)
        with torch.autocast("cpu", torch.bfloat16):
            x = hidden(ids)
            learnt = targets != -100
            logits = x[learnt] @ model.embed_tokens.weight.T
        loss = functional.cross_entropy(logits.float(), targets[learnt])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if step % 50 == 49 or step == steps - 1:
            log.append({"step": step + 1, "loss": round(loss.item(), 5), "seconds": round(time.monotonic() - start, 1)})
            print(json.dumps(log[-1]), flush=True)
    earlier = about.get("trained", {"steps": 0, "seconds": 0})
    if before:
        rows = [json.loads(line) for line in (before / "log.jsonl").read_text(encoding="utf-8").splitlines()]
        log = rows + [{**row, "step": row["step"] + earlier["steps"]} for row in log]
    trained = {"steps": steps + earlier["steps"], "rows": ROWS, "seed": seed, "rate": RATE, "parameters": parameters,
               "seconds": round(time.monotonic() - start) + earlier["seconds"]}  # fmt: skip
    save(out, model, known, trained, log)


def save(out: Path, model: Small, known: list[str], trained: dict[str, object], log: list[dict[str, object]]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    shape = {"vocabulary": len(known), "width": WIDTH, "layers": LAYERS, "heads": HEADS, "inner": INNER,
             "longest": LONGEST}  # fmt: skip
    about = {"shape": shape, "trained": trained, "characters": known}
    (out / "model.json").write_text(json.dumps(about, ensure_ascii=False) + "\n", encoding="utf-8")
    (out / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in log), encoding="utf-8")
    weights = {name: weight.detach().numpy().astype(np.float16) for name, weight in model.named_parameters()}
    np.savez_compressed(out / "weights.npz", **weights)  # type: ignore[arg-type]
    print(f"NumPy differs from PyTorch by {difference(model, weights, Shape(**shape)):.1e} at most", flush=True)


def difference(model: Small, weights: dict[str, np.ndarray], shape: Shape) -> float:
    """Of the logits of both, on the same rounded weights."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.copy_(torch.from_numpy(weights[name].astype(np.float32)))
        ids = list(range(3, 60))
        theirs = model(torch.tensor([ids]))[0, -1] @ model.embed_tokens.weight.T
    network = Network(shape, {name: weight.astype(np.float32) for name, weight in weights.items()})
    network.read(ids[:20])
    ours = network.read(ids[20:])
    return float(np.abs(ours - theirs.numpy()).max())


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the small model.")
    parser.add_argument("--out", type=Path, default=Path("runs/offline"))
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--go-on", type=Path, metavar="DIR", help="from a trained model")
    parser.add_argument("--rate-share", type=float, default=1.0, help="of the usual learning rate")
    args = parser.parse_args()
    train(args.out, args.steps, args.seed, args.go_on, args.rate_share)


if __name__ == "__main__":
    main()
