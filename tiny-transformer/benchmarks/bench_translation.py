"""German to English: trained by the track's own command, scored by sacrebleu with its default signature.

With `--data DIR`: Multi30k in DIR/multi30k (29,000 captions to train on, `val` to validate, `test_2016_flickr` to
report; every choice was made on `val`). A finished run in runs/multi30k is scored again and not trained anew; an
interrupted one is resumed. Without it: made-up sentences, only to show that the command works.
"""

import json
import tempfile
from pathlib import Path

from benchmarks.trained import TRACK, log_table, main_py
from tiny_transformer.tasks.dates import dates_task

COMMAND = "python main.py train --task parallel --out runs/multi30k"
TEST, BEAMS = "test_2016_flickr", (1, 4)


def run(data: Path | None, scale: float = 1.0) -> str:
    if data is not None and (data / "multi30k").is_dir():
        return trained(data.resolve() / "multi30k", TRACK / "runs" / "multi30k", [])
    with tempfile.TemporaryDirectory() as temporary:
        made_up(Path(temporary))
        small = ["--epochs", "1", "--d-model", "16", "--n-layers", "1", "--vocab-size", "300"]
        return trained(Path(temporary), Path(temporary, "run"), small)


def trained(data: Path, folder: Path, settings: list[str]) -> str:
    ending = ".gz" if (data / "train.de.gz").exists() else ""
    files = {name: str(data / f"{part}.{language}{ending}")
             for part, prefix in (("train", ""), ("val", "valid-"))
             for language, name in (("de", f"{prefix}source"), ("en", f"{prefix}target"))}  # fmt: skip
    options = [word for name, path in files.items() for word in (f"--{name}", path)]
    if (folder / "config.json").exists():
        main_py("train", "--resume", "--out", str(folder))
    else:
        main_py("train", "--task", "parallel", "--out", str(folder), *options, *settings)
    shown = " ".join(f"--{name} {Path(path).name}" for name, path in files.items())
    precision = json.loads((folder / "config.json").read_text(encoding="utf-8"))["training"]["precision"]
    lines = [
        f"Matrix products in {precision}: `{' '.join([COMMAND, shown, *settings])}`",
        "",
        log_table(folder),
        "",
        f"| {TEST} | BLEU | chrF | exact match | tokens/s |",
        "|---|---|---|---|---|",
    ]
    sides = ["--source", str(data / f"{TEST}.de{ending}"), "--target", str(data / f"{TEST}.en{ending}")]
    signature = ""
    for beam in BEAMS:
        found = main_py("evaluate", "--model", str(folder), *sides, "--beam", str(beam))
        signature = found["signature"]
        lines.append(
            f"| beam {beam} | **{found['bleu']:.2f}** | {found['chrf']:.2f} | {found['exact_match']:.2%} "
            f"| {found['tokens_per_second']:,.0f} |"
        )
    return "\n".join([*lines, "", f"`{signature}`"])


def made_up(folder: Path) -> None:
    """Dates stand in for sentences."""
    pairs = dates_task().train[:400]
    for part, some in (("train", pairs[:300]), ("val", pairs[300:350]), (TEST, pairs[350:])):
        for language, side in (("de", 0), ("en", 1)):
            text = "".join(f"{pair[side]}\n" for pair in some)
            (folder / f"{part}.{language}").write_text(text, encoding="utf-8")
