"""Measure beside other libraries and write RESULTS.md: python -m benchmarks [--only NAME] [--data DIR]."""

from pathlib import Path

from tiny_shared import benchmarks

PARTS = ("text", "alignment", "tang", "training", "decode", "memory", "tokenizer", "serve", "light")
PEERS = ("torch", "transformers", "tokenizers", "tiktoken", "safetensors", "numpy", "regex")


def main(arguments: list[str] | None = None) -> None:
    benchmarks.main(
        arguments,
        parts=PARTS,
        results=Path(__file__).with_name("RESULTS.md"),
        introduction=(
            "What the trained models are worth, and how fast ours runs beside its peers: in turn in one process, "
            "medians. A ratio above 1: ours is better."
        ),
        packages=lambda: {"packages": benchmarks.installed(PEERS)},
        data="a folder with tinyshakespeare.txt and tang_poems.jsonl.gz, in place of what the track makes itself",
    )


if __name__ == "__main__":
    main()
