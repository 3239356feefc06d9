"""Writing on, greedily, beside `transformers.generate`: 32 bits, the same random weights, the same tokens (compared
before anything is timed). Reading the prompt of 8 tokens is part of the time.

The limit at batch 1 is the memory's: for each token every weight is read once, and the keys and values so far. Bytes a
second are those of the same run, the best of a few passes over a matrix as large as the weights (a product with a
vector, or a sum); what fits into the processor's caches is as fast there. At batch 8 the weights are read once for
eight tokens, and both use PyTorch.
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from tiny_shared.benchmarks import Row, command, figure, in_turn, speed
from transformers import LlamaForCausalLM

from benchmarks.bench_training import SHAPE, TRIED, TRY
from tiny_llama3 import hub
from tiny_llama3.generate import generate
from tiny_llama3.model import Llama, LlamaConfig
from tiny_llama3.presets import PRESETS, parameters

PROMPT = 8


@dataclass(frozen=True)
class Size:
    name: str
    config: LlamaConfig
    written: int  # tokens
    rounds: int


SIZES = (Size("7M", SHAPE, 256, 7), Size("110M", PRESETS["110M"].config(PRESETS["110M"].vocab_size), 48, 3))
TRIES = (Size("tiny", TRIED, 20, 2),)


def run(scale: float = 1.0) -> list[Row]:
    rows = []
    for size in TRIES if scale < TRY else SIZES:
        ours, theirs = both(size.config)
        rows += [compared(ours, theirs, size, batch, max(2, round(size.rounds * scale))) for batch in (1, 8)]
    return rows


def both(config: LlamaConfig) -> tuple[Llama, Any]:
    """Ours, and theirs of the same weights."""
    torch.manual_seed(0)
    model = Llama(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.startswith("model.layers.") and parameter.ndim == 2:
                # or the layers change so little that the same token comes again and again
                parameter.mul_(64 / config.hidden_size**0.5)
    with tempfile.TemporaryDirectory() as folder:
        hub.save(folder, model)
        return model, LlamaForCausalLM.from_pretrained(folder).eval()


def compared(ours: Llama, theirs: Any, size: Size, batch: int, rounds: int) -> Row:
    prompt_BT = torch.randint(ours.config.vocab_size, (batch, PROMPT), generator=torch.Generator().manual_seed(batch))
    everything_BT = torch.ones_like(prompt_BT)

    def here() -> torch.Tensor:
        return generate(ours, prompt_BT, size.written)

    def there() -> torch.Tensor:
        return theirs.generate(prompt_BT, attention_mask=everything_BT, max_new_tokens=size.written, do_sample=False,
                               pad_token_id=0)  # fmt: skip

    found = here()
    if not torch.equal(found, there()):
        raise ValueError("the two write different tokens, so there is nothing to compare")
    seconds = in_turn(here, there, rounds)
    tokens_per_s = batch * size.written / seconds[0]
    limit = memory_limit(ours.config, size.written, tokens_per_s) if batch == 1 else ""
    what, peer = f"{size.name}, {size.written} tokens, batch {batch}", f"transformers {version('transformers')}"
    return speed(what, batch * size.written, "tokens/s", peer, seconds, command("tiny-llama3", "decode"), limit)


def memory_limit(c: LlamaConfig, written: int, reached: float) -> str:
    looked_up = 0 if c.tie_word_embeddings else c.vocab_size * c.hidden_size  # a single row of it is read
    weights = 4 * (parameters(c) - looked_up)
    kept = 4 * 2 * c.num_hidden_layers * c.key_value_heads * c.head_size * (PROMPT + written / 2)  # half-way
    most = bandwidth(weights) / (weights + kept)
    return f"{figure((weights + kept) / 1e6)} MB a token: {figure(most)}; reached {reached / most:.0%}"


def bandwidth(size: int, rounds: int = 12) -> float:
    """Bytes a second in which so many bytes can be read again and again."""
    matrix = np.ones((max(1, size // 4096), 1024), np.float32)
    vector = np.ones(1024, np.float32)
    tensor = torch.from_numpy(matrix)
    return matrix.nbytes / min(fastest(lambda: matrix @ vector, rounds), fastest(tensor.sum, rounds))


def fastest(work: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)
