"""Measure beside other libraries and write RESULTS.md: python -m benchmarks [--only NAME]."""

from pathlib import Path

from tiny_shared import benchmarks

PARTS = ("prefill", "decode", "loading", "tokenizer", "models", "light")
PEERS = ("torch", "transformers", "tokenizers", "safetensors", "numpy", "regex")


def main(arguments: list[str] | None = None) -> None:
    benchmarks.main(
        arguments,
        parts=PARTS,
        results=Path(__file__).with_name("RESULTS.md"),
        introduction=(
            "How fast ours runs beside its peers, in turn in one process, medians; and what the shipped models can do. "
            "A ratio above 1: ours is better."
        ),
        packages=lambda: {"packages": benchmarks.installed(PEERS)},
    )


if __name__ == "__main__":
    main()
