"""Reading a prompt: 512 tokens through a model of random weights in the shape of Qwen2.5-0.5B, filling the cache.

Both compute the logits of the last position only and use PyTorch's attention kernel. Reading a prompt is arithmetic:
the limit is the speed of the matrix products, two operations for each weight and token, measured in the same run on
one product of that shape.
"""

import time
from importlib.metadata import version

import torch
from tiny_shared.benchmarks import Row, command, in_turn, speed

from benchmarks.folders import SHAPE, TRY, both

LENGTH, ROUNDS = 512, 11


def run(scale: float = 1.0) -> list[Row]:
    tried = scale < TRY
    length = 16 if tried else LENGTH
    rows = []
    for dtype in ("float32", "bfloat16"):
        ours, theirs = both(tried, dtype)
        ids = torch.randint(400, (1, length), generator=torch.Generator().manual_seed(1))
        seconds = compared(ours, theirs, ids, max(2, round(ROUNDS * scale)))
        weights = sum(parameter.numel() for parameter in ours.model.layers.parameters())
        most = length * products(getattr(torch, dtype), length) / (2 * weights * length)
        what, peer = f"{length} tokens, {dtype}", f"transformers {version('transformers')}"
        limit = f"{most:,.0f} tokens/s by the products"
        rows.append(speed(what, length, "tokens/s", peer, seconds, command("qwen-blog", "prefill"), limit))
    return rows


@torch.inference_mode()
def compared(ours, theirs, ids: torch.Tensor, rounds: int) -> tuple[float, float]:  # noqa: ANN001
    def here() -> torch.Tensor:
        with torch.inference_mode():
            return ours(ids, cache=ours.new_cache(1, ids.shape[1]), last=True)

    def there() -> torch.Tensor:
        with torch.inference_mode():
            return theirs(ids, use_cache=True, logits_to_keep=1).logits

    torch.testing.assert_close(here().float(), there().float(), atol=0.1, rtol=0.1)
    return in_turn(here, there, rounds)


def products(dtype: torch.dtype, length: int) -> float:
    """Operations a second of one matrix product, the best of some."""
    x, weight = (
        torch.randn(length, SHAPE.hidden_size).to(dtype),
        torch.randn(SHAPE.intermediate_size, SHAPE.hidden_size).to(dtype),
    )
    best = 0.0
    for _ in range(20):
        start = time.perf_counter()
        torch.nn.functional.linear(x, weight)
        best = max(best, 2 * x.numel() * weight.shape[0] / (time.perf_counter() - start))
    return best
