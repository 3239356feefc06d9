"""Every rung on the same data, the same split, the same measure: a table and a picture in which one number falls.

The held-out items are only measured, after the last step: no checkpoint is picked by them.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import nn

from . import bigram, fit, grammar, skip_bigram
from .attention import AttentionModel
from .gpt import GPT, GPTConfig
from .llama import Llama, LlamaConfig
from .names import Names
from .ngram_mlp import NgramMLP

MOST_FOR_SCALARS = 100  # kinds of characters; one scalar at a time, micrograd needs minutes for more
N_SAMPLES = 5
LONGEST_SAMPLE = 24  # characters in the table
SMALL = fit.Recipe(steps=2_000, learning_rate=5e-3, tokens=512)
LARGE = fit.Recipe(steps=2_600, learning_rate=4e-3, tokens=512)
SHAPE = {"d_model": 64, "n_layers": 2, "n_heads": 8, "d_ff": 256}

Progress = Callable[[str, int, int], None]  # rung, step, steps


@dataclass(frozen=True)
class Rung:
    """One row. `nats` a token on the held-out items; `change` says what is new; `note` what else was found."""

    name: str
    change: str
    parameters: int
    nats: float
    seconds: float
    cpu_seconds: float
    samples: tuple[str, ...]
    note: str = ""

    @property
    def bits(self) -> float:
        return self.nats / math.log(2)

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"bits": self.bits, "samples": list(self.samples)}


@dataclass(frozen=True)
class Run:
    """What a rung is built from."""

    names: Names
    seed: int
    effort: float
    progress: Callable[[int, int], None]

    def generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(self.seed)

    def steps(self, full: int) -> int:
        return max(1, round(full * self.effort))

    def fitted(self, model: nn.Module, recipe: fit.Recipe) -> nn.Module:
        recipe = fit.Recipe(self.steps(recipe.steps), recipe.learning_rate, recipe.tokens, recipe.weight_decay)
        fit.train(model, self.names.train, recipe, self.generator(), self.progress)
        return model


def counted(run: Run) -> nn.Module:
    return bigram.by_counting(run.names.train, run.names.vocab_size)


def scalars(run: Run) -> nn.Module:
    names, steps = run.names, run.steps(1_000)
    return skip_bigram.by_micrograd(names.train, names.vocab_size, run.generator(), steps, progress=run.progress)


def window(run: Run) -> nn.Module:
    return run.fitted(NgramMLP(run.names.vocab_size), SMALL)


def heads(n_heads: int) -> Callable[[Run], nn.Module]:
    return lambda run: run.fitted(AttentionModel(run.names.vocab_size, run.names.longest, n_heads), SMALL)


def gpt(run: Run) -> nn.Module:
    shape = {"n_embd": SHAPE["d_model"], "n_layer": SHAPE["n_layers"], "n_head": SHAPE["n_heads"]}
    return run.fitted(GPT(GPTConfig(run.names.vocab_size, run.names.longest, **shape)), LARGE)


def llama(**switches: Any) -> Callable[[Run], nn.Module]:
    shape = {**SHAPE, **switches}
    return lambda run: run.fitted(Llama(LlamaConfig(run.names.vocab_size, run.names.longest, **shape)), LARGE)


RUNGS: tuple[tuple[str, str, Callable[[Run], nn.Module]], ...] = (
    ("bigram", "count which character follows which", counted),
    ("micrograd", "one character further back, learned by our own engine", scalars),
    ("n-gram MLP", "embeddings and a hidden layer over a window of three", window),
    ("attention, 1 head", "no window: look back at everything", heads(1)),
    ("attention, 8 heads", "eight questions instead of one, same parameters", heads(8)),
    ("GPT", "blocks stacked: residuals, norms, GELU, a tied head", gpt),
    ("+ RMSNorm", "no mean, no biases", llama(rope=False, swiglu=False)),
    ("+ RoPE", "positions turn queries and keys", llama(swiglu=False)),
    ("+ SwiGLU", "a gate, same parameters", llama()),
    ("+ grouped queries = Llama", "two query heads share keys and values", llama(n_kv_heads=4)),
)


def run_ladder(
    items: Sequence[str],
    seed: int = 1,
    progress: Progress = lambda rung, step, steps: None,
    effort: float = 1.0,
    only: Sequence[str] | None = None,
) -> list[Rung]:
    """Train and measure the rungs in order. `effort` scales the steps, `only` names the rungs to climb.

    One thread, so that the same seed gives the same numbers however many cores there are; at this size more threads
    would mostly wait for each other. The split doesn't depend on the seed. Raises Problem for items that can't be used.
    """
    if effort <= 0:
        raise ValueError(f"effort must be positive (got {effort})")
    known = [name for name, _, _ in RUNGS]
    for name in only or ():
        if name not in known:
            raise ValueError(f"no rung {name!r}; there are {', '.join(known)}")
    names = Names.from_items(items)
    rungs = []
    with one_thread(), torch.random.fork_rng(devices=[]):
        for name, change, build in RUNGS:
            if only is not None and name not in only:
                continue
            if build is scalars and names.vocab_size > MOST_FOR_SCALARS:
                continue
            torch.manual_seed(seed)  # where a model's first weights come from
            wall, cpu = time.perf_counter(), time.process_time()
            model = build(Run(names, seed, effort, partial(progress, name)))
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            drawn = fit.draw(model, N_SAMPLES, names.longest, torch.Generator().manual_seed(seed))
            rungs.append(
                Rung(
                    name,
                    change,
                    parameters=sum(parameter.numel() for parameter in model.parameters()),
                    nats=fit.mean_loss(model, names.validation),
                    seconds=wall,
                    cpu_seconds=cpu,
                    samples=tuple(names.decode(row) for row in drawn),
                    note=learned_too(names) if build is counted else "",
                )
            )
    return rungs + floor(items, names)


@contextmanager
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def learned_too(names: Names) -> str:
    """The bigram's second way: the same table as a one-layer net."""
    if names.vocab_size > MOST_FOR_SCALARS:
        return ""
    net = bigram.by_learning(names.train, names.vocab_size)
    return f"learned as a one-layer net instead: {fit.mean_loss(net, names.validation):.4f} nats"


def floor(items: Sequence[str], names: Names) -> list[Rung]:
    """For the sample, whose grammar is known: what no rung can get below."""
    if list(items) != grammar.draw_names():
        return []
    nats = grammar.mean_loss([names.decode(item[1:].tolist()) for item in names.validation])
    samples = tuple(grammar.draw_names(N_SAMPLES, seed=grammar.SEED + 1))
    return [Rung("the grammar itself", "knows what invented the names: the floor", 0, nats, 0.0, 0.0, samples)]


def table(rungs: Sequence[Rung]) -> str:
    """The rows as an aligned Markdown table, notes below it."""
    head = ["rung", "parameters", "nats", "change", "bits", "seconds", "CPU s", "what is new", "five samples"]
    rows = []
    for i, rung in enumerate(rungs):
        fall = f"{rung.nats - rungs[i - 1].nats:+.3f}".replace("-", "−") if i else ""
        rows.append([
            rung.name, f"{rung.parameters:,}", f"{rung.nats:.3f}", fall, f"{rung.bits:.3f}", f"{rung.seconds:.1f}",
            f"{rung.cpu_seconds:.1f}", rung.change, ", ".join(shortened(sample) for sample in rung.samples),
        ])  # fmt: skip
    last = len(head) - 1
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(last)]
    right = range(1, 7)  # the numbers

    def line(row: Sequence[str]) -> str:
        cells = [
            f"{cell:>{w}}" if i in right else f"{cell:<{w}}"
            for i, (cell, w) in enumerate(zip(row, widths, strict=False))
        ]
        return f"| {' | '.join([*cells, row[last]])} |"

    rule = [f"{'-' * (w - 1)}:" if i in right else "-" * w for i, w in enumerate(widths)] + ["---"]
    notes = [f"\n{rung.name}: {rung.note}" for rung in rungs if rung.note]
    return "\n".join([line(head), line(rule), *(line(row) for row in rows), *notes])


def shortened(sample: str) -> str:
    """As it fits a cell; a bar would end the cell."""
    sample = sample if len(sample) <= LONGEST_SAMPLE else sample[: LONGEST_SAMPLE - 1] + "…"
    return sample.replace("|", "\\|") or "(empty)"


def picture(rungs: Sequence[Rung]) -> bytes:
    """A PNG: one dot a rung, the loss falling from left to right; the floor, where it's known, as a line."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    steps = [rung for rung in rungs if rung.parameters]
    figure = Figure(figsize=(9, 4.8), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.plot(range(len(steps)), [rung.nats for rung in steps], "o-", color="#2b6cb0")
    for i, rung in enumerate(steps):
        axes.annotate(f"{rung.nats:.3f}", (i, rung.nats), (0, 8), textcoords="offset points", ha="center", fontsize=9)
    for rung in rungs:
        if not rung.parameters:
            axes.axhline(rung.nats, linestyle="--", color="#718096")
            axes.annotate(
                f"{rung.name}: {rung.nats:.3f}", (0, rung.nats), (0, 4), textcoords="offset points", fontsize=9
            )
    axes.set_xticks(range(len(steps)), [rung.name for rung in steps], rotation=30, ha="right")
    axes.set_ylabel("validation loss, nats a character")
    axes.margins(y=0.15)
    axes.spines[["top", "right"]].set_visible(False)
    file = BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def plot(rungs: Sequence[Rung], path: Path, write: Callable[[Path, bytes], Any] = Path.write_bytes) -> None:
    """`picture` as a file; `write` may be one that writes atomically."""
    write(path, picture(rungs))
