"""Measure beside other libraries and write RESULTS.md: python -m benchmarks [--only NAME] [--scale SHARE]."""

from pathlib import Path

from tiny_shared import benchmarks

PARTS = ("offline", "loop", "light")
PEERS = ("smolagents", "numpy", "openai")


def main(arguments: list[str] | None = None) -> None:
    benchmarks.main(
        arguments,
        parts=PARTS,
        results=Path(__file__).with_name("RESULTS.md"),
        introduction=(
            "How often the shipped model is right, and what the loop costs beside smolagents: in turn, medians. A "
            "ratio above 1: ours is better."
        ),
        packages=lambda: {"packages": benchmarks.installed(PEERS)},
    )


if __name__ == "__main__":
    main()
