"""What a comparison found, as Markdown: a table, and how answers changed."""

from collections.abc import Sequence

from tiny_llama3.align.compare import Line, Result, summary


def table(results: Sequence[Result]) -> str:
    lines = summary(results)
    policies = [line for line in lines if line.method != "reward"]
    text = "| method | right answers | gain over the base, 95% interval | KL, nats an answer | tokens | seconds |\n"
    text += "|---|---|---|---|---|---|\n"
    if policies:
        base = sum(line.score - line.gain for line in policies) / len(policies)
        text += f"| base | {base:.1%} | | 0 | | |\n"
    text += "".join(map(_row, policies))
    seeds = {line.seeds for line in policies}
    text += f"\nMeans over {_few(seeds)} seeds; tokens and seconds are those of one run.\n"
    for line in lines:
        if line.method == "reward":
            text += f"\nThe reward model tells {line.score:.1%} of held-out pairs apart ({line.tokens:,.0f} tokens, "
            text += f"{line.seconds:.0f} s).\n"
    return text + _samples(results)


def _row(line: Line) -> str:
    margin = "" if line.margin is None else f" ± {100 * line.margin:.1f}"
    return (
        f"| {line.method} | {line.score:.1%} | {100 * line.gain:+.1f}{margin} | {line.kl:.2f} | {line.tokens:,.0f} | "
        f"{line.seconds:.0f} |\n"
    )


def _samples(results: Sequence[Result]) -> str:
    text = ""
    for method in dict.fromkeys(result.method for result in results if result.samples):
        first = next(result for result in results if result.method == method)
        text += f"\n{method}:\n\n"
        for sample in first.samples:
            text += f"- {_inline(sample.prompt)}: before {_inline(sample.before)}, after {_inline(sample.after)}\n"
    return text


def _inline(text: str) -> str:
    """As code, on one line; a text may hold anything."""
    return "`" + " / ".join(text.replace("`", "'").split("\n")).strip() + "`"


def _few(seeds: set[int]) -> str:
    return " or ".join(map(str, sorted(seeds)))
