"""The journey in the terminal: one line a step, with its shape and its formula."""

from qwen_blog.stations import STATIONS
from qwen_blog.trace import Journey, Step


def trace_lines(journey: Journey) -> list[str]:
    width = max(len(step.key) for step in journey.steps)
    return [f"{step.key:{width}}  {_said(journey, step)}".rstrip() for step in journey.steps]


def _said(journey: Journey, step: Step) -> str:
    tokens = journey.tokens
    if step.station == "text":
        return f"{len(journey.text)} characters in {tokens[-1].pretoken + 1} pre-tokens"
    if step.station == "bytes":
        return f"{sum(len(token.bytes) for token in tokens)} bytes of UTF-8"
    if step.station == "ids":
        return (
            f"{len(tokens)} tokens: {'|'.join(visible(token.text) for token in tokens[:24])}{'…' * (len(tokens) > 24)}"
        )
    if step.station == "lens":
        lens = journey.lens
        best, sure = lens.best_LT[:, -1].tolist(), lens.best_probability_LT[:, -1].tolist()
        names = ["embedding", *range(len(best) - 1)]
        said = [
            f"{name}: {visible(lens.texts[id])} {share:.0%}" for name, id, share in zip(names, best, sure, strict=True)
        ]
        return f"after {' · '.join(said)}"
    if step.station == "sampled":
        probability = next((row[3] for row in journey.top if row[0] == journey.next.id), 0.0)
        return f"{visible(journey.next.text)} (id {journey.next.id}, {probability:.1%})"
    assert step.tensor is not None
    shape = " × ".join(f"{name} {size}" for name, size in zip(step.dims, step.tensor.shape, strict=True))
    finite = step.tensor[step.tensor.isfinite()]
    return f"{shape:24}  {STATIONS[step.station].formula:34}  {float(finite.min()):9.3f} … {float(finite.max()):8.3f}"


def visible(text: str) -> str:
    """Spaces and ends of lines as signs that can be seen."""
    return "".join({" ": "␣", "\n": "⏎", "\t": "⇥"}.get(sign, sign if sign.isprintable() else f"\\x{ord(sign):02x}")
                   for sign in text) or "∅"  # fmt: skip
