"""The demonstration's model: exact match on 2,000 dates that it never saw, in any form."""

import tempfile
import time
from pathlib import Path

from benchmarks.trained import log_table, main_py
from tiny_transformer.tasks.dates import dates_task


def run(scale: float = 1.0) -> str:
    few = [] if scale == 1 else ["--epochs", "1", "--d-model", "8", "--n-layers", "1"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "dates")
        start = time.perf_counter()
        main_py("train", "--task", "dates", "--out", str(folder), *few)
        seconds = time.perf_counter() - start
        test = dates_task().test[: max(20, int(2000 * scale))]
        for name, side in (("source", 0), ("target", 1)):
            Path(temporary, name).write_text("".join(f"{pair[side]}\n" for pair in test), encoding="utf-8")
        files = ["--source", f"{temporary}/source", "--target", f"{temporary}/target"]
        found = main_py("evaluate", "--model", str(folder), *files)
        return "\n".join([
            f"`python main.py train --task dates --out runs/dates` took {seconds:.0f} s, start of Python and "
            f"validation included. Then `evaluate` on {len(test):,} unseen dates: exact match "
            f"**{found['exact_match']:.2%}**, {found['tokens_per_second']:,.0f} characters a second.",
            "",
            log_table(folder),
        ])  # fmt: skip
