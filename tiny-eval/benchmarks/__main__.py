"""Measure beside other libraries and write RESULTS.md: python -m benchmarks [--only NAME] [--scale SHARE]."""

import argparse
import importlib
import sys
from pathlib import Path

PARTS = ("rouge", "help")
RESULTS = Path(__file__).with_name("RESULTS.md")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=PARTS, help="run this part; the others are kept as they are in the file")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full size, to try a part out")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the tables go (default: %(default)s)")
    args = parser.parse_args(arguments)
    if not 0 < args.scale <= 1:
        parser.error(f"--scale must be above 0 and at most 1 (got {args.scale})")
    for part in [args.only] if args.only else PARTS:
        measure(part, args.scale, args.output)


def measure(part: str, scale: float, output: Path) -> None:
    """Run one part and put its table into `output` at once, so that a later failure loses nothing."""
    from tiny_shared.files import atomic_write

    from benchmarks.results import machine, merged, table

    print(f"{part} …", file=sys.stderr)
    module = importlib.import_module(f"benchmarks.bench_{part}")
    section = table(part, str(module.__doc__), module.run(scale))
    print(section + "\n")
    old = output.read_text(encoding="utf-8") if output.exists() else ""
    atomic_write(output, merged(old, machine(), {part: section}, PARTS))


if __name__ == "__main__":
    main()
