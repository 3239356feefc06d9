"""Writing: one token after the other with the cache, greedily, after a prompt of 32 tokens; random weights in the shape
of Qwen2.5-0.5B.

`transformers` runs its own loop, `generate`, with its default cache; ours runs `generate`. In 32 bits the tokens are
compared before anything is timed. The limit is the memory's: each token reads every weight once. Bytes a second are
those of the same run, the best of a few passes over the weights in one product with a vector (32 bits) or one sum.
"""

import time
from collections.abc import Callable
from importlib.metadata import version

import torch
from tiny_shared.benchmarks import Row, command, in_turn, speed

from benchmarks.folders import TRY, both
from qwen_blog.generate import generate

PROMPT, WRITTEN, ROUNDS = 32, 32, 5


def run(scale: float = 1.0) -> list[Row]:
    tried = scale < TRY
    written = 4 if tried else WRITTEN
    rows = []
    for dtype in ("float32", "bfloat16"):
        ours, theirs = both(tried, dtype)
        ids = torch.randint(400, (1, PROMPT), generator=torch.Generator().manual_seed(1))
        prompt = ids[0].tolist()

        def here(prompt: list[int] = prompt, ours=ours) -> list[int]:  # noqa: ANN001
            return generate(ours, prompt, written)

        def there(ids: torch.Tensor = ids, theirs=theirs) -> list[int]:  # noqa: ANN001
            made = theirs.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=written, do_sample=False,
                                   eos_token_id=None, pad_token_id=0)  # fmt: skip
            return made[0, PROMPT:].tolist()

        if dtype == "float32" and here() != there():
            raise ValueError("the two write different tokens, so there is nothing to compare")
        seconds = in_turn(here, there, max(2, round(ROUNDS * scale)))
        size = sum(parameter.numel() * parameter.element_size() for parameter in ours.parameters())
        rate = bandwidth(size, getattr(torch, dtype))
        reached = written / seconds[0] * size / rate
        limit = f"{size / 1e6:,.0f} MB a token at {rate / 1e9:.1f} GB/s: {rate / size:.1f}; reached {reached:.0%}"
        what, peer = f"{written} tokens, {dtype}", f"transformers {version('transformers')}"
        rows.append(speed(what, written, "tokens/s", peer, seconds, command("qwen-blog", "decode"), limit))
    return rows


def bandwidth(size: int, dtype: torch.dtype) -> float:
    """Bytes a second in which so many bytes can be read again and again."""
    matrix = torch.ones(max(1, size // 4096 // dtype.itemsize), 4096, dtype=dtype)
    vector = torch.ones(4096, dtype=dtype)
    bytes_read = matrix.numel() * matrix.element_size()
    return bytes_read / min(fastest(lambda: matrix @ vector), fastest(matrix.sum))


def fastest(work: Callable[[], object], rounds: int = 6) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)
