"""Measure beside other libraries and write RESULTS.md: python -m benchmarks [--only NAME] [--data DIR]."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from tiny_shared import benchmarks

PARTS = ("chunker", "vector_search", "bm25", "quality", "light")
PEERS = ("faiss-cpu", "bm25s", "PyStemmer", "langchain-text-splitters", "numba")


def main(arguments: list[str] | None = None) -> None:
    benchmarks.main(
        arguments,
        parts=PARTS,
        results=Path(__file__).with_name("RESULTS.md"),
        introduction=(
            "Ours and the peer in turn in one process, medians, one thread each. A ratio above 1: ours is better."
        ),
        packages=lambda: {"NumPy": numpy_and_blas(), "peers": benchmarks.installed(PEERS)},
        data="real texts and collections instead of made-up ones",
        threads=1,
        around=one_thread,
    )


def one_thread() -> AbstractContextManager[Any]:
    """Covers the libraries that are loaded; the environment, those that will be."""
    from tiny_rag.threads import limit_threads

    return limit_threads(1)


def numpy_and_blas() -> str:
    import numpy as np
    from threadpoolctl import threadpool_info

    blas = {f"{found['internal_api']} {found['version']}" for found in threadpool_info() if found["user_api"] == "blas"}
    return f"{np.__version__} with {', '.join(sorted(blas)) or 'an unknown BLAS'}"


if __name__ == "__main__":
    main()
