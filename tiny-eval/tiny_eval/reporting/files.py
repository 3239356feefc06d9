"""A report's files: report.md, report.json, scores.png, outcomes.png, report.html."""

import json
import math
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import Any

from tiny_eval.reporting.collect import Collected
from tiny_eval.running.results import Result

PAGE = Path(__file__).with_name("page.html")
PLACE = "/*DATA*/"
Z_95 = 1.96
OURS, MISSING, PARTLY, WRONG = "#2a6f97", "#b8b8b8", "#e9c46a", "#c8553d"


def report_files(found: Collected, plots: bool = True) -> dict[str, bytes]:
    """What stands in each file, by its name; the page last."""
    rows = [one.as_json() | dict(zip(("ci_low", "ci_high"), interval(one), strict=True)) for one in found.results]
    content: dict[str, str | bytes] = {
        "report.md": markdown(found),
        "report.json": json.dumps({"results": rows, "verdicts": [vars(one) for one in found.verdicts],
                                   "items": found.items}, ensure_ascii=False, indent=1, default=str) + "\n",
    }  # fmt: skip
    if plots and any(one.summary for one in found.results):
        content |= {"scores.png": scores_png(found.results), "outcomes.png": outcomes_png(found.results)}
    content["report.html"] = page(found, rows)
    return {name: data.encode("utf-8", "backslashreplace") if isinstance(data, str) else data
            for name, data in content.items()}  # fmt: skip


def interval(one: Result) -> tuple[float | None, float | None]:
    """About 95 % (normal); for the exact verdict over two models there is compare."""
    s = one.summary
    if s is None or s.score is None or s.stderr is None or math.isnan(s.stderr):
        return None, None
    return max(0.0, s.score - Z_95 * s.stderr), min(100.0, s.score + Z_95 * s.stderr)


def page(found: Collected, rows: list[dict[str, Any]]) -> str:
    """One file without any request; the data stand in it as JSON, in which no `</script>` can occur."""
    data = {"folder": found.folder.name, "results": rows, "verdicts": [vars(one) for one in found.verdicts],
            "items": found.items}  # fmt: skip
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=str).replace("<", "\\u003c")
    before, _, after = PAGE.read_text(encoding="utf-8").partition(PLACE)
    return before + text + after


# ---- Markdown --------------------------------------------------------------------------------------------------------


def markdown(found: Collected) -> str:
    lines = [f"# {found.folder.name}", ""]
    for task, group in groupby(found.results, key=lambda one: one.task):
        results = list(group)
        lines += [f"## {task}", "", _cell(results[0].about.get("about") or ""), ""]
        lines += ["| model | score | 95 % interval | items | not measured | tokens | cost | seconds |",
                  "|---|---|---|---|---|---|---|---|"]  # fmt: skip
        lines += [_row(one) for one in results]
        said = [one.english for one in found.verdicts if one.task == task]
        lines += ["", *(f"- {_cell(sentence)}" for sentence in said), ""]
    return "\n".join(lines).rstrip() + "\n"


def _row(one: Result) -> str:
    said = one.as_json()
    low, high = interval(one)
    if one.summary is None:
        score = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in one.more.items())
    else:
        score = "none" if said["score"] is None else f"**{said['score']:.2f}**"
        score += "".join(f", {name} {value:.2f}" for name, value in one.more.items())
    between = "" if low is None or high is None else f"{low:.1f} to {high:.1f}"
    reasons = ", ".join(f"{count} {reason}" for reason, count in (said.get("reasons") or {}).items())
    return (f"| {_cell(one.model)} | {score} | {between} | {said.get('n', '')} | {reasons} | "
            f"{sum(said['tokens'] or [0]):,} | {said['cost'] or 0:g} | {said['seconds'] or 0:.1f} |")  # fmt: skip


def _cell(text: str) -> str:
    """As text in a table: model names and sentences are nobody's markup."""
    return "".join(f"\\{c}" if c in "|\\`*_<[" else c for c in " ".join(text.split()))


# ---- plots -----------------------------------------------------------------------------------------------------------


def scores_png(results: list[Result]) -> bytes:
    """Every task and model with its interval."""
    scored = [one for one in results if one.summary and one.summary.score is not None]
    figure, axes = _figure(len(scored))
    for place, one in enumerate(scored):
        assert one.summary and one.summary.score is not None
        low, high = interval(one)
        axes.barh(place, one.summary.score, color=OURS, alpha=0.5)
        if low is not None and high is not None:
            axes.plot([low, high], [place, place], color="black", marker="|")
    _name(axes, scored)
    axes.set(xlim=(0, 100), xlabel="score, with its 95 % interval")
    return _png(figure)


def outcomes_png(results: list[Result]) -> bytes:
    """Of how many items the score is a mean, and how many weren't measured, and why."""
    scored = [one for one in results if one.summary]
    figure, axes = _figure(len(scored))
    colours = {"measured": OURS, "error": WRONG, "truncated": PARTLY, "unparsed": MISSING}
    for place, one in enumerate(scored):
        assert one.summary
        left = 0.0
        counts = {"measured": one.summary.n - one.summary.not_measured, **one.summary.reasons}
        for name, count in counts.items():
            share = 100 * count / one.summary.n
            axes.barh(place, share, left=left, color=colours[name], label=name)
            left += share
    _name(axes, scored)
    handles = dict(zip(*axes.get_legend_handles_labels()[::-1], strict=True))
    axes.legend(handles.values(), handles.keys(), loc="lower right")
    axes.set(xlim=(0, 100), xlabel="percent of the items")
    return _png(figure)


def _figure(rows: int) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 1.2 + 0.35 * max(rows, 1)), layout="constrained")
    return figure, figure.subplots()


def _name(axes: Any, results: list[Result]) -> None:
    names = [f"{one.task} · {one.model}" for one in results]
    names = [name if name.isascii() else name.encode("ascii", "replace").decode() for name in names]
    axes.set_yticks(range(len(results)), names)
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)


def _png(figure: Any) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)
    return buffer.getvalue()
