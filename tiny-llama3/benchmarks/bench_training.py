"""Tokens a second of training beside code that people would write or take: 7.3M parameters, batch 8 × 256.

All follow one another in every round, on the same random ids; a step is batch, forward, backward, clipping and update.
Weights stay in 32 bits; "bf16" means the matrix products, by autocast. Compiling happens before anything is timed.

    ours          what `pretrain --compile` does: `Trainer`; its optimizer is AdamW + Muon or, as the peers', AdamW
    transformers  a plain loop around LlamaForCausalLM of the same shape: sdpa, tied embeddings, no cache, fused AdamW
    GPT           as nanoGPT builds it: LayerNorm, GELU, learned positions, one product for q, k and v, fused AdamW;
                  0.9% more parameters
    compiled      the same function, from ids to loss, through torch.compile

Every row holds one document, and attention is plainly causal, for all alike. What the document mask, which `pretrain`
has by default, adds for ours is told in rows of its own. The limit is what a large matrix product reaches in the same
run over the operations of a token (PaLM's count), and the share of it that ours reaches.
"""

import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from tiny_shared.benchmarks import Row, command, figure, speed
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import LlamaConfig as TheirConfig
from transformers import LlamaForCausalLM

from tiny_llama3 import config_json
from tiny_llama3.batches import Batches
from tiny_llama3.model import Llama, LlamaConfig
from tiny_llama3.plan import peak_flops
from tiny_llama3.presets import training_flops
from tiny_llama3.training import Trainer, TrainingConfig

BATCH, LENGTH, ROUNDS = 8, 256, 12
SHAPE = LlamaConfig(4096, 256, 768, 8, 4, 2, max_position_embeddings=512, tie_word_embeddings=True)
TRIED = LlamaConfig(300, 32, 96, 2, 4, 2, max_position_embeddings=512, tie_word_embeddings=True)
TRY = 0.1  # below this scale only the code is tried: a tiny shape, and nothing is compiled

Loss = Callable[[Tensor, Tensor], Tensor]
Step = Callable[[], float]  # gives its loss


def run(scale: float = 1.0) -> list[Row]:
    shape, rounds = (TRIED if scale < TRY else SHAPE), max(2, round(ROUNDS * scale))
    compiling: AbstractContextManager[Any] = torch.compiler.set_stance("force_eager") if scale < TRY else nullcontext()
    with compiling:
        return [row for precision in ("bf16", "fp32") for row in compared(shape, precision, rounds)]


def compared(c: LlamaConfig, precision: str, rounds: int) -> list[Row]:
    torch.compiler.reset()
    batches = Batches(RandomTokens(c.vocab_size), LENGTH, BATCH, None, seed=0)
    peers = {
        f"transformers {version('transformers')}": step(*transformers_loss(c), batches, precision),
        "GPT": step(*gpt_loss(c), batches, precision),
        "transformers, compiled": step(*transformers_loss(c), batches, precision, compiled=True),
        "GPT, compiled": step(*gpt_loss(c), batches, precision, compiled=True),
    }
    ours = {
        "AdamW + Muon": trainer(c, batches, precision, "muon"),
        "AdamW": trainer(c, batches, precision, "adamw"),
        "AdamW + Muon, document mask": trainer(c, batches, precision, "muon", document_mask=True),
    }
    first = {name: function() for name, function in (peers | ours).items() if not name.startswith("GPT")}
    if max(first.values()) - min(first.values()) > (0.01 if precision == "bf16" else 1e-4):
        raise ValueError(f"the same weights give different losses, so there is nothing to compare: {first}")
    seconds = all_in_turn(peers | ours, rounds)
    most = peak_flops("cpu", precision, rounds=2 * rounds) / training_flops(c, LENGTH)  # tokens a second
    rows = []
    for name in ours:
        reached = BATCH * LENGTH / seconds[name] / most
        limit = f"matrix products alone: {figure(most)}; reached {reached:.0%}"
        for peer in peers if "mask" not in name else list(peers)[:1]:
            rows.append(speed(f"{precision}, {name}", BATCH * LENGTH, "tokens/s", peer, (seconds[name], seconds[peer]),
                              command("tiny-llama3", "training"), limit))  # fmt: skip
    return rows


def all_in_turn(functions: dict[str, Step], rounds: int) -> dict[str, float]:
    """Median seconds of each, one after the other in every round."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for function in functions.values():
        for _ in range(2):  # the first calls compile, start threads and fetch memory
            function()
    for _ in range(rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(found) for name, found in times.items()}


def trainer(c: LlamaConfig, batches: Batches, precision: str, optimizer: str, document_mask: bool = False) -> Step:
    config = TrainingConfig(steps=10_000, sequence=LENGTH, batch_rows=BATCH, micro_rows=BATCH, optimizer=optimizer,
                            precision=precision, compile=True, document_mask=document_mask)  # fmt: skip
    return Trainer(first_weights(c), batches, config).train_step


def first_weights(c: LlamaConfig) -> Llama:
    torch.manual_seed(0)
    return Llama(c)


def step(model: nn.Module, loss: Loss, batches: Batches, precision: str, compiled: bool = False) -> Step:
    """A plain training loop's step, with what ours does in it, too: the batch is cut, gradients are clipped."""
    adamw = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    function = torch.compile(loss, dynamic=False) if compiled else loss
    done = 0

    def work() -> float:
        nonlocal done
        batch = batches.rows_of(done, 0, BATCH)
        done += 1
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
            found = function(batch.ids_BT, batch.targets_BT)
        found.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adamw.step()
        adamw.zero_grad(set_to_none=True)
        return float(found.detach())

    return work


def transformers_loss(c: LlamaConfig) -> tuple[nn.Module, Loss]:
    settings = config_json.to_json(c, torch.float32) | {"attn_implementation": "sdpa"}
    model = LlamaForCausalLM(TheirConfig(**settings)).train()
    model.load_state_dict(first_weights(c).state_dict())

    def loss(ids_BT: Tensor, targets_BT: Tensor) -> Tensor:
        logits_BTV = model(ids_BT, use_cache=False).logits
        return F.cross_entropy(logits_BTV.flatten(0, 1).float(), targets_BT.flatten())

    return model, loss


def gpt_loss(c: LlamaConfig) -> tuple[nn.Module, Loss]:
    model = GPT(c).train()

    def loss(ids_BT: Tensor, targets_BT: Tensor) -> Tensor:
        return F.cross_entropy(model(ids_BT).flatten(0, 1), targets_BT.flatten())

    return model, loss


class GPT(nn.Module):
    """GPT-2's layers without biases and dropout, in the width and depth of the Llama."""

    def __init__(self, c: LlamaConfig) -> None:
        super().__init__()
        self.tokens = nn.Embedding(c.vocab_size, c.hidden_size)
        self.positions = nn.Embedding(LENGTH, c.hidden_size)
        self.layers = nn.ModuleList(GPTLayer(c.hidden_size, c.num_attention_heads) for _ in range(c.num_hidden_layers))
        self.norm = nn.LayerNorm(c.hidden_size, bias=False)
        for parameter in self.parameters():
            if parameter.ndim == 2:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, ids_BT: Tensor) -> Tensor:
        x_BTD = self.tokens(ids_BT) + self.positions(torch.arange(ids_BT.shape[1]))
        for layer in self.layers:
            x_BTD = layer(x_BTD)
        return F.linear(self.norm(x_BTD), self.tokens.weight)


class GPTLayer(nn.Module):
    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.first_norm, self.second_norm = nn.LayerNorm(d, bias=False), nn.LayerNorm(d, bias=False)
        self.qkv, self.mixed = nn.Linear(d, 3 * d, bias=False), nn.Linear(d, d, bias=False)
        self.up, self.down = nn.Linear(d, 4 * d, bias=False), nn.Linear(4 * d, d, bias=False)

    def forward(self, x_BTD: Tensor) -> Tensor:
        q_k_v = self.qkv(self.first_norm(x_BTD)).chunk(3, dim=-1)
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in q_k_v)
        seen_BHTK = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x_BTD = x_BTD + self.mixed(seen_BHTK.transpose(1, 2).flatten(2))
        return x_BTD + self.down(F.gelu(self.up(self.second_norm(x_BTD))))


class RandomTokens:
    """A stream without documents: each of its windows is one."""

    def __init__(self, vocab_size: int, count: int = 200_000) -> None:
        self.ids = np.random.default_rng(0).integers(0, vocab_size, count, dtype=np.uint16)

    def __len__(self) -> int:
        return len(self.ids)

    def slice(self, start: int, stop: int) -> np.ndarray:
        return self.ids[start:stop]
