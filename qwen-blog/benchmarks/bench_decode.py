"""Writing: one token after the other with the cache, greedily, after a prompt of 32 tokens; random weights in the shape
of Qwen2.5-0.5B.

`transformers` runs its own loop, `generate`, with its default cache; ours runs `generate`. In 32 bits the tokens are
compared before anything is timed. The limit is the memory's: each token reads every weight once. Bytes a second are
those of the same run, the best of a few passes over as many numbers: a product with a vector, or a sum. "compiled"
is `generate --compile`: torch.compile writes the product with one row, which takes a C++ compiler and, the first time,
the seconds that are told.
"""

import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import torch
from tiny_shared.benchmarks import Row, command, in_turn, speed

from benchmarks.folders import TRY, both
from qwen_blog.generate import generate
from qwen_blog.linear import Linear, compile_one_row
from qwen_blog.model import Qwen

PROMPT, WRITTEN, ROUNDS = 32, 32, 5


def run(scale: float = 1.0) -> list[Row]:
    tried = scale < TRY
    written = 4 if tried else WRITTEN
    rows = []
    for dtype in ("float32", "bfloat16"):
        ours, theirs = both(tried, dtype)
        rows.append(compared(ours, theirs, dtype, written, max(2, round(ROUNDS * scale))))
        if not tried:  # compiling takes longer than the rest of a try
            compile_one_row()
            rows.append(compared(ours, theirs, f"{dtype}, compiled", written, max(2, round(ROUNDS * scale))))
            compile_one_row(False)
    return rows


def compared(ours: Qwen, theirs: Any, name: str, written: int, rounds: int) -> Row:
    ids = torch.randint(400, (1, PROMPT), generator=torch.Generator().manual_seed(1))
    prompt = ids[0].tolist()

    def here() -> list[int]:
        return generate(ours, prompt, written)

    def there() -> list[int]:
        made = theirs.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=written, do_sample=False,
                               eos_token_id=None, pad_token_id=0)  # fmt: skip
        return made[0, PROMPT:].tolist()

    start = time.perf_counter()
    found = here()
    first = time.perf_counter() - start
    if name == "float32" and found != there():
        raise ValueError("the two write different tokens, so there is nothing to compare")
    seconds = in_turn(here, there, rounds)
    size = sum(parameter.numel() * parameter.element_size() for parameter in ours.parameters())
    rate = bandwidth(size, ours.lm_head.weight.dtype)
    reached = written / seconds[0] * size / rate
    limit = f"{size / 1e6:,.0f} MB a token at {rate / 1e9:.1f} GB/s: {rate / size:.1f}; reached {reached:.0%}"
    if "compiled" in name:
        limit += f"; the first time {first - seconds[0]:.0f} s more"
    what, peer = f"{written} tokens, {name}", f"transformers {version('transformers')}"
    return speed(what, written, "tokens/s", peer, seconds, command("qwen-blog", "decode"), limit)


def bandwidth(size: int, dtype: torch.dtype) -> float:
    """Bytes a second in which so many bytes can be read again and again."""
    matrix = torch.ones(max(1, size // 4096 // dtype.itemsize), 4096, dtype=dtype)
    vector = torch.ones(4096, dtype=dtype)
    product = Linear.one_row or torch.mv
    return matrix.numel() * matrix.element_size() / min(fastest(lambda: product(matrix, vector)), fastest(matrix.sum))


def fastest(work: Callable[[], object], rounds: int = 6) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)
