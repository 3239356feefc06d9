"""The ladder of foundations: the same data, split and measure for every rung; what each change of the last one brings.

With `--data DIR`: makemore's names in DIR/names.txt, of which the split holds out the thousand that makemore tests on.
Without it: the sample's invented names, whose grammar gives the floor. Losses are nats a character on the held-out
names, the end of a name counted. The first table is what `python main.py ladder` prints. The second has the same rungs
from several seeds (other first weights, other batches, the same split): mean, and in brackets the lowest and highest;
"lower" says in how many of the seeds the rung ended below the one before it.
"""

from collections.abc import Sequence
from pathlib import Path
from statistics import mean

from tiny_transformer.foundations.ladder import Rung, run_ladder, table
from tiny_transformer.foundations.names import read_items

SEEDS = (1, 2, 3)  # the first is the command's default
SAMPLE = Path(__file__).resolve().parents[1] / "sample" / "names" / "names.txt"


def run(data: Path | None, scale: float = 1.0) -> str:
    path = data / "names.txt" if data is not None and (data / "names.txt").is_file() else SAMPLE
    items = read_items(path)
    seeds = SEEDS if scale == 1 else SEEDS[:2]
    ladders = [run_ladder(items, seed, effort=scale) for seed in seeds]
    cpu = sum(rung.cpu_seconds for rung in ladders[0])
    command = "python main.py ladder" + ("" if path == SAMPLE else f" --data {path.name}")
    return "\n".join([
        f"`{command}`, {len(items):,} names, {cpu:,.0f} CPU seconds in all:",
        "",
        table(ladders[0]),
        "",
        f"Seeds {', '.join(map(str, seeds))}:",
        "",
        spread(ladders),
    ])  # fmt: skip


def spread(ladders: Sequence[Sequence[Rung]]) -> str:
    """A row a rung: its loss over the seeds, and what it brought against the rung before it."""
    lines = ["| rung | nats | brought | lower |", "|---|---:|---:|---:|"]
    for i, rungs in enumerate(zip(*ladders, strict=True)):
        losses = [rung.nats for rung in rungs]
        cells = [rungs[0].name, f"{mean(losses):.3f} ({min(losses):.3f} – {max(losses):.3f})", "", ""]
        if i:
            changes = [ladder[i].nats - ladder[i - 1].nats for ladder in ladders]
            cells[2] = f"{mean(changes):+.3f} ({min(changes):+.3f} … {max(changes):+.3f})".replace("-", "−")
            cells[3] = f"{sum(change < 0 for change in changes)} of {len(changes)}"
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
