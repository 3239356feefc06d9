"""How a training went: losses over tokens, as a PNG drawn by matplotlib."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

OURS, OTHERS, FLOOR = "#2f6f9f", "#9a9a9a", "#b04a4a"


def loss_png(
    rows: Sequence[dict[str, Any]],
    title: str,
    floor_bits_per_byte: float | None = None,
    reference: Sequence[tuple[int, float]] = (),
) -> bytes:
    """Validation loss in bits a byte, and the training loss brought to the same scale; `reference` as its points."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import EngFormatter, FormatStrFormatter, LogLocator

    measured = [row for row in rows if "validation_loss" in row]
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    if measured:
        last = measured[-1]
        per_nat = last["bits_per_byte"] / last["validation_loss"]
        trained = [(row["tokens"], row["train_loss"] * per_nat) for row in rows if "train_loss" in row]
        if trained:
            axes.plot(*zip(*trained, strict=True), color=OURS, alpha=0.4, linewidth=1, label="training")
        axes.plot([row["tokens"] for row in measured], [row["bits_per_byte"] for row in measured],
                  color=OURS, marker="o", markersize=3, label=f"validation: {last['bits_per_byte']:.4f}")  # fmt: skip
    if reference:
        axes.plot(*zip(*reference, strict=True), color=OTHERS, linestyle="--", label="reference run")
    if floor_bits_per_byte:
        axes.axhline(floor_bits_per_byte, color=FLOOR, linestyle=":",
                     label=f"no model can beat {floor_bits_per_byte:.4f}")  # fmt: skip
    axes.set(title=title, xlabel="tokens trained on", ylabel="bits a byte", yscale="log")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))  # 500k, 1M
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.yaxis.set_minor_locator(LogLocator(subs=range(1, 10)))
    axes.yaxis.set_minor_formatter("")
    axes.grid(alpha=0.3, which="both")
    if axes.get_legend_handles_labels()[0]:
        axes.legend()
    buffer = BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)
    return buffer.getvalue()


def comparison_png(lines: Sequence[Any], title: str) -> bytes:
    """Score of each method with its interval beside the base's, and what it cost in KL (align/compare.py::Line)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    figure = Figure(figsize=(9, 4), layout="constrained")
    scores, distances = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    base = sum(line.score - line.gain for line in lines) / len(lines)
    margins = [0.0 if line.margin is None else min(line.margin, 1.0) for line in lines]
    for axes in (scores, distances):
        axes.axhline(base, color=FLOOR, linestyle=":", label=f"base: {base:.0%}")
        axes.grid(alpha=0.3)
    scores.bar([line.method for line in lines], [line.score for line in lines], color=OURS, alpha=0.5)
    scores.errorbar([line.method for line in lines], [line.score for line in lines], margins, fmt="none",
                    ecolor="black", capsize=4, label="95% interval of the gain")  # fmt: skip
    distances.errorbar([line.kl for line in lines], [line.score for line in lines], margins, fmt="o", color=OURS)
    for line in lines:
        distances.annotate(line.method, (line.kl, line.score), (6, 4), textcoords="offset points")
    scores.set(title=title, ylabel="right answers", ylim=(0, 1.05))
    scores.yaxis.set_major_formatter(PercentFormatter(1))
    distances.set(title="what it cost", xlabel="KL from the base, nats an answer")
    distances.margins(x=0.2)  # room for the names
    scores.legend(loc="upper right")
    buffer = BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)
    return buffer.getvalue()
