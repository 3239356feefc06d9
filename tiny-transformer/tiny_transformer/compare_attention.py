"""What the five ways of attention cost: time and memory by length, with the operations counted beside.

Shapes: B batch, T positions, D model size.
"""

import json
import math
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from tiny_transformer.five_ways import BLOCK, WAYS, Way, Weights, loop_over_heads

TOLERANCE = 1e-4  # of the largest number in the result; float32 alone differs by about 1e-6


@dataclass(frozen=True)
class Measurement:
    name: str
    masked: bool  # with the causal mask
    length: int  # T, positions
    seconds: float  # median
    peak_bytes: int  # the most that was allocated at one moment, the input and the weights not counted
    flops: int  # floating-point operations of the matrix products, by formula
    max_difference: float  # from the loop over heads in float64; with `backward` of the gradients too


def compare(
    lengths: Sequence[int],
    d_model: int = 256,
    n_heads: int = 8,
    batch: int = 1,
    seed: int = 0,
    progress: Callable[[Sequence[tuple[int, bool]]], Iterable[tuple[int, bool]]] = iter,
    *,
    rounds: int = 5,
    backward: bool = False,
    device: str = "cpu",
) -> list[Measurement]:
    """Run the five ways at every length, without and with the causal mask; they take turns in every round.

    `backward` measures forward and backward together. `progress` wraps the loop, to show how far it is. Raises
    ValueError where a way's result is not the reference's.
    """
    if not lengths:
        raise ValueError("no length to measure at; give at least one")
    for name, number in {"length": min(lengths), "n_heads": n_heads, "batch": batch, "rounds": rounds}.items():
        if number < 1:
            raise ValueError(f"{name} must be 1 or more (got {number})")
    if d_model < 1 or d_model % n_heads:
        raise ValueError(f"n_heads must divide d_model (got {n_heads}, {d_model})")
    if torch.device(device).type not in ("cpu", "cuda"):
        raise ValueError(f"memory is measured on cpu and cuda only (got {device}); ask for one of them")
    generator = torch.Generator().manual_seed(seed)
    input_D3D = torch.randn(d_model, 3 * d_model, generator=generator) / math.sqrt(d_model)
    output_DD = torch.randn(d_model, d_model, generator=generator) / math.sqrt(d_model)
    measurements = []
    for length, masked in progress([(length, masked) for length in lengths for masked in (False, True)]):
        x_BTD = torch.randn(batch, length, d_model, generator=generator)
        inputs = [tensor.to(device).requires_grad_(backward) for tensor in (x_BTD, input_D3D, output_DD)]
        in_float64 = [tensor.detach().double().requires_grad_(backward) for tensor in inputs]
        reference = run(loop_over_heads, in_float64, n_heads, masked, backward)
        differences = {name: differ(name, run(way, inputs, n_heads, masked, backward), reference, (length, masked))
                       for name, way in WAYS.items()}  # fmt: skip
        del reference
        seconds: dict[str, list[float]] = {name: [] for name in WAYS}
        for _ in range(rounds):
            for name, way in WAYS.items():
                start = now(device)
                run(way, inputs, n_heads, masked, backward)
                seconds[name].append(now(device) - start)
        for name, way in WAYS.items():
            peak = peak_bytes(partial(run, way, inputs, n_heads, masked, backward), device)
            flops = count_flops(name, length, d_model, batch, masked, backward)
            row = Measurement(name, masked, length, median(seconds[name]), peak, flops, differences[name])
            measurements.append(row)
    return measurements


def run(way: Way, inputs: list[Tensor], n_heads: int, masked: bool, backward: bool) -> list[Tensor]:
    """The result, and with `backward` the gradients of its sum of squares."""
    x_BTD, input_D3D, output_DD = inputs
    with torch.set_grad_enabled(backward):
        result_BTD = way(x_BTD, Weights(input_D3D, output_DD, n_heads), masked)
        return [result_BTD, *(torch.autograd.grad(result_BTD.square().sum(), inputs) if backward else [])]


def differ(name: str, results: list[Tensor], reference: list[Tensor], where: tuple[int, bool]) -> float:
    """The largest difference, as a part of the largest number of the reference."""
    differences = [((ours - r).abs().max() / r.abs().max()).item() for ours, r in zip(results, reference, strict=True)]
    if not max(differences) <= TOLERANCE:  # so written, NaN is refused as well
        mask = "with" if where[1] else "without"
        raise ValueError(
            f"{name} differs from the loop over heads by {max(differences):.1e} at length {where[0]}, {mask} mask "
            f"(allowed: {TOLERANCE:.0e}); a time means nothing before the results agree"
        )
    return max(differences)


def now(device: str) -> float:
    """Seconds; a GPU works on after the call returns, so wait for it first."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize()
    return perf_counter()


def peak_bytes(work: Callable[[], object], device: str = "cpu") -> int:
    """The most memory that `work` held at one moment, from PyTorch's own record of every allocation.

    Kernels' scratch space is in it; what a linear-algebra library allocates for itself is not.
    """
    os.environ.setdefault("KINETO_LOG_LEVEL", "6")  # or the profiler prints two lines of its own each time
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        work()
    with tempfile.TemporaryDirectory() as folder:
        recorded.export_chrome_trace(str(Path(folder, "trace.json")))
        trace = json.loads(Path(folder, "trace.json").read_text(encoding="utf-8"))
    kind = 1 if torch.device(device).type == "cuda" else 0
    events = [event for event in trace["traceEvents"] if event["name"] == "[memory]"]
    held = peak = 0
    for event in sorted(events, key=lambda event: event["ts"]):
        if event["args"]["Device Type"] == kind:
            held += event["args"]["Bytes"]
            peak = max(peak, held)
    return peak


def count_flops(name: str, length: int, d_model: int, batch: int, masked: bool, backward: bool = False) -> int:
    """Operations of the matrix products (a multiplication and an addition are two); softmax and mask are left out.

    A causal mask saves nothing where all scores are computed first and hidden afterwards. The blockwise way leaves
    out the blocks above the diagonal. The kernel is counted with the pairs that it needs, T (T + 1) / 2: how many more
    it computes is its secret.
    """
    pairs = length * length
    if masked and name == "torch's kernel":
        pairs = length * (length + 1) // 2
    elif masked and name == "blockwise":
        ends = range(BLOCK, length + BLOCK, BLOCK)  # of the blocks of queries; the last may be shorter
        pairs = sum((min(end, length) - (end - BLOCK)) * min(end, length) for end in ends)
    projections = 2 * batch * length * 4 * d_model**2  # queries, keys, values, output
    attention = 2 * batch * pairs * 2 * d_model  # a score, then a share of the mix: K each in every head
    if not backward:
        return projections + attention
    # each product has two in the backward pass; the kernel kept no scores, so it computes them once more
    return 3 * projections + attention * 7 // 2 if name == "torch's kernel" else 3 * (projections + attention)


def table(measurements: Sequence[Measurement]) -> str:
    """A Markdown table, aligned so that it reads in a terminal too."""
    rows = [("length", "mask", "way", "ms", "MiB", "GFLOP", "GFLOP/s", "difference")]
    for m in measurements:
        giga = m.flops / 1e9
        rows.append((str(m.length), "causal" if m.masked else "none", m.name, f"{m.seconds * 1e3:.2f}",
                     f"{m.peak_bytes / 2**20:.1f}", f"{giga:.3f}", f"{giga / m.seconds:.1f}",
                     f"{m.max_difference:.0e}"))  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    words = (1, 2)  # these columns stand on the left, numbers on the right
    aligned = [[cell.ljust(width) if column in words else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))] for row in rows]  # fmt: skip
    rule = ["-" * width if column in words else "-" * (width - 1) + ":" for column, width in enumerate(widths)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (aligned[0], rule, *aligned[1:]))


def plot(measurements: Sequence[Measurement]) -> bytes:
    """A PNG: time and memory by length, both axes logarithmic; a line that climbs two decades for one is quadratic."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.ticker import NullLocator, ScalarFormatter

    figure = Figure(figsize=(11, 5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    lengths = sorted({m.length for m in measurements})
    for axes, title in zip(figure.subplots(1, 2), ("milliseconds", "MiB at the peak"), strict=True):
        for number, name in enumerate(dict.fromkeys(m.name for m in measurements)):
            for masked in (False, True):
                chosen = sorted(
                    (m for m in measurements if (m.name, m.masked) == (name, masked)), key=lambda m: m.length
                )
                values = [m.seconds * 1e3 if title == "milliseconds" else m.peak_bytes / 2**20 for m in chosen]
                axes.plot([m.length for m in chosen], values, color=f"C{number}", linestyle="--" if masked else "-",
                          marker="osD^v"[number % 5], markersize=5,
                          label=name if not masked else None)  # fmt: skip
        axes.set(xscale="log", yscale="log", xlabel="length", title=title, xticks=lengths)
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.xaxis.set_minor_locator(NullLocator())
        axes.grid(color="0.9")
    mask = Line2D([], [], color="0.4", linestyle="--", label="with causal mask")
    figure.axes[0].legend(handles=[*figure.axes[0].get_legend_handles_labels()[0], mask], frameon=False)
    out = BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()
