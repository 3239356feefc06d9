"""`python -m benchmarks` of a track: runs its parts, prints each one's table and puts it into RESULTS.md."""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from inspect import signature
from pathlib import Path
from typing import Any

from tiny_shared.benchmarks.measure import Row
from tiny_shared.benchmarks.results import machine, merged, table
from tiny_shared.files import atomic_write

THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")


def main(
    arguments: Sequence[str] | None,
    *,
    parts: Sequence[str],
    results: Path,
    introduction: str,
    packages: Callable[[], Mapping[str, str]],
    data: str = "",
    threads: int | None = None,
    around: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> None:
    """Run the parts that the arguments ask for (None: those of this process).

    Part NAME is the module `benchmarks.bench_NAME`. Its docstring introduces its section; its function
    `run(scale)` or `run(data, scale)` returns rows, or Markdown where there is no peer to set beside. A track hands in:

    parts         the names, in the order of the file
    results       RESULTS.md, unless --output names another file
    introduction  how everything was measured: the text below the title
    packages      the lines of the machine's description that are this track's; called when a part has run
    data          what --data DIR is for; "": there is no such option
    threads       of OpenBLAS, MKL and OpenMP; None: as many as they like
    around        a context in which a part runs; entered when its module, and what that imports, is there
    """
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure beside other libraries and write RESULTS.md."
    )
    parser.add_argument("--only", choices=parts, help="run this part; the others are kept as they are in the file")
    if data:
        parser.add_argument("--data", type=Path, metavar="DIR", help=data)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full size, to try a part out")
    parser.add_argument("--output", type=Path, default=results, help="where the tables go (default: %(default)s)")
    args = parser.parse_args(arguments)
    folder: Path | None = getattr(args, "data", None)
    if folder and not folder.is_dir():
        parser.error(f"--data {folder} is not a folder")
    if not 0 < args.scale <= 1:
        parser.error(f"--scale must be above 0 and at most 1 (got {args.scale})")

    if threads is not None:
        os.environ.update(dict.fromkeys(THREADS, str(threads)))  # before NumPy is imported: BLAS reads them once
    for part in [args.only] if args.only else parts:
        print(f"{part} …", file=sys.stderr)
        module = importlib.import_module(f"benchmarks.bench_{part}")
        with around():
            section = table(part, str(module.__doc__), _run(module.run, folder, args.scale))
        print(section + "\n")
        old = args.output.read_text(encoding="utf-8") if args.output.exists() else ""
        # at once, so that a later failure loses nothing
        atomic_write(args.output, merged(old, introduction, machine(packages()), {part: section}, parts))


def _run(run: Callable[..., Iterable[Row] | str], data: Path | None, scale: float) -> Iterable[Row] | str:
    return run(data, scale) if "data" in signature(run).parameters else run(scale)
