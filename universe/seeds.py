"""Does fine-tuning help, or would the base have got there by itself? python -m universe.seeds

Three seeds, each with lessons, drills, weights and order of its own. Beside base and tuned stands a control: the base's
run made longer by as many tokens of text as tuning reads in lessons, so that both have had the same budget. All are
asked the same held-out questions. Writes universe/RESULTS.md.
"""

import argparse
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from tiny_shared import cli
from tiny_shared.files import atomic_write, only_one, read_jsonl

from universe.__main__ import SAMPLE
from universe.journal import Journal, Result
from universe.learning import pretrained
from universe.loop import METRICS, Loop, Plan
from universe.page import machine
from universe.tracks import ROOT
from universe.using import asking, compared

ROW = 512 * 8  # tokens of a step of pretraining
ABOUT = """\
# Does fine-tuning help?

Measured by `python -m universe.seeds` on {machine}. The documents are tiny-rag's sample; the questions are about
passages from which no lesson was made. Scores are tiny-eval's F1 (0 to 100), intervals are 95 %, paired item by item.
The control is the base after as many more tokens of plain text as tuning reads in lessons, {tokens} on average. The
baseline has no parameters: it answers with the sentence that has most in common with the question.

| Seed | Task | n | Baseline | Base | Control | Tuned | Tuned − base | Tuned − control |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
{rows}

A base that only continues text does not know that it is asked something. What tuning adds is the form of an answer;
what it copies with, the base has learned from the drills.

The whole circle with each seed: how long it took, how many answers tiny-rag got word for word and with the right
document cited, how many sums tiny-agent got right.

| Seed | Minutes | Word for word | Right document | Sums |
| --- | --- | --- | --- | --- |
{uses}
"""


def seeds(args: argparse.Namespace) -> None:
    rows: list[dict[str, Any]] = []
    uses: list[dict[str, Any]] = []
    for seed in range(args.seeds):
        folder = args.out.resolve() / f"seed-{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        with only_one(folder, "running"):
            loop = Loop(folder, replace(Plan(str(args.docs.resolve())), seed=seed))
            loop.run(until="scores")
            journal = Journal(folder / "control-steps")
            control = journal.step("control", loop.journal.fingerprint, partial(_control, loop))
            results = loop.run()
        for task in results["scores"]["tasks"]:
            rows.append(task | {"seed": seed, "tokens": control["tokens"]} | control[task["task"]])
        uses.append({"seed": seed, "seconds": sum(result["seconds"] for result in results.values())}
                    | {name: results[name] for name in ("answers", "agent")})  # fmt: skip
    text = table(rows, uses)
    atomic_write(Path(__file__).with_name("RESULTS.md"), text)
    cli.show({"scores": rows, "uses": uses}, args.json, text)


def _control(loop: Loop, same: bool) -> Result:
    """The base once more, with tuning's tokens on top of its own; asked what base and tuned were asked."""
    logged = [row["tokens"] for row in read_jsonl(loop.folder / "tuned" / "log.jsonl") if "tokens" in row]
    tokens = sum(logged) / len(logged) * loop.plan.tune_steps  # not every step is logged
    pretrained(loop, "control", same, loop.plan.pretrain_steps + round(tokens / ROW))
    tasks = sorted(loop.data.glob("documents-*.yaml"))
    run = ["main.py", "run", "--task", *tasks, "--out", loop.folder / "scores", "--concurrency", 4, "--json", "--model"]
    with loop.tracks.served(loop.folder / "control", "control", "serve-control") as url:
        told = loop.tracks.call("tiny-eval", "scores-control", *run, "control", env=asking(url, "control"))
    found: Result = {"tokens": round(tokens)}
    for task in tasks:
        folder, metric = loop.folder / "scores" / task.stem, METRICS[task.stem[-2:]]
        tuned, control = folder / "tuned.jsonl", folder / "control.jsonl"
        gain = compared(loop, f"compare-control-{task.stem}", tuned, control, metric)
        score = next(row["score"] for row in told if row["task"] == task.stem)
        found[task.stem] = {"control": score, "beside_control": gain}
    return found


def table(rows: list[dict[str, Any]], uses: list[dict[str, Any]]) -> str:
    def gain(row: dict[str, Any]) -> str:
        if row["difference"] is None:
            return "–"
        return f"{row['difference']:+.1f} ({row['low']:.1f} to {row['high']:.1f})"

    lines = [
        f"| {row['seed']} | {row['task']} | {row['n']} | {row['scores']['baseline-overlap']:.1f} | "
        f"{row['scores']['base']:.1f} | {row['control']:.1f} | **{row['scores']['tuned']:.1f}** | {gain(row)} | "
        f"{gain(row['beside_control'])} |"
        for row in rows
    ]
    used = [
        f"| {row['seed']} | {row['seconds'] / 60:.1f} | {row['answers']['right']} of {row['answers']['questions']} | "
        f"{row['answers']['cited']} of {row['answers']['questions']} | "
        f"{row['agent']['right']} of {row['agent']['questions']} |"
        for row in uses
    ]
    tokens = sum(row["tokens"] for row in rows) / len(rows)
    return ABOUT.format(machine=machine(), tokens=f"{tokens / 1e6:.1f} million", rows="\n".join(lines),
                        uses="\n".join(used))  # fmt: skip


def parser() -> cli.Parser:
    top = cli.Parser(prog="python -m universe.seeds", description="Base, control and tuned model, seed by seed.")
    top.set_defaults(run=seeds)
    cli.add_json(top)
    top.add_argument("--seeds", type=cli.positive, default=3, metavar="N", help="default: 3")
    top.add_argument("--docs", type=Path, default=SAMPLE, metavar="DIR")
    top.add_argument("--out", type=Path, default=ROOT / "runs" / "universe-seeds", metavar="DIR")
    return top


if __name__ == "__main__":
    sys.exit(cli.run(parser()))
