"""Encoding text with the shipped tokenizer, beside `tokenizers` (Rust) on the same file; both in one thread.

Ours is Python: what a learner can read. Pre-tokens that were met before are remembered, as in `tokenizers`; "cold"
forgets them before every pass.
"""

import os
import random
from importlib.metadata import version
from pathlib import Path

from tiny_shared.benchmarks import Row, command, in_turn, speed

from qwen_blog.tokenizer import Tokenizer

TRACK = Path(__file__).resolve().parents[1]
FOLDER, ROUNDS = TRACK / "checkpoints" / "tiny-qwen2", 7


def run(scale: float = 1.0) -> list[Row]:
    import tokenizers

    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    ours, theirs = Tokenizer.from_folder(FOLDER), tokenizers.Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
    chance = random.Random(0)
    words = (TRACK / "README.md").read_text(encoding="utf-8").split(" ")
    chinese = (TRACK / "README.zh-CN.md").read_text(encoding="utf-8").split("\n")
    rows = []
    for name, parts, joint in (("English", words, " "), ("Chinese", chinese, "\n")):
        text = joint.join(
            chance.choice(parts)
            for _ in range(max(50, int(20_000 * scale)) if name == "English" else max(5, int(2000 * scale)))
        )
        assert ours.encode(text) == theirs.encode(text, add_special_tokens=False).ids
        for state in ("warm", "cold"):

            def here(text: str = text, cold: bool = state == "cold") -> None:
                if cold:
                    ours._ids_of.clear()
                ours.encode(text)

            def there(text: str = text) -> None:
                theirs.encode(text, add_special_tokens=False)

            seconds = in_turn(here, there, max(2, round(ROUNDS * scale)))
            size, peer = len(text.encode()) / 1e6, f"tokenizers {version('tokenizers')}"
            what, how = f"{name}, {size:.2f} MB, {state}", command("qwen-blog", "tokenizer")
            rows.append(speed(what, size, "MB/s", peer, seconds, how))
    return rows
