"""Does fine-tuning help, or would the base have got there by itself? python -m universe.seeds

Three seeds, each with lessons, drills, weights and order of its own. Beside base and tuned stands a control:
pretraining made longer by as many tokens of text as tuning reads in lessons, so that both have had the same budget. All
are asked the same questions. Writes universe/RESULTS.md, where the documents are the sample.
"""

import argparse
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from tiny_shared import UserError, cli
from tiny_shared.endpoint import Settings as Endpoint
from tiny_shared.files import atomic_write, only_one, read_jsonl, write_jsonl

from universe.__main__ import SAMPLE
from universe.journal import Journal, Result
from universe.learning import pretrained
from universe.loop import METRICS, Loop, Plan
from universe.page import machine
from universe.tracks import ROOT
from universe.using import asking, compared, exact, said

ROW = 512 * 8  # tokens of a step of pretraining
ABOUT = """\
# Does fine-tuning help?

Measured by `python -m universe.seeds` on {machine}. The documents are tiny-rag's sample, the questions about
passages that no lesson was made of (pretraining has read them). The control is pretrained by itself and for longer, by
as many tokens of text as tuning reads in lessons, {tokens} on average, so that tuned model and control have had the
same budget. The baseline has no parameters: it answers with the sentence that has most words in common with the
question.

Answers that are right word for word, of all questions, and the gain in points with its 95 % interval, paired question
by question:

| Seed | Task | Baseline | Base | Control | Tuned | Tuned − base | Tuned − control |
| --- | --- | --- | --- | --- | --- | --- | --- |
{exact}

tiny-eval's F1, 0 to 100, over the answers that came to an end (their number in brackets; an untrained model often goes
on until it is cut off), and the gain over the questions that both models answered to an end, which may be few:

| Seed | Task | Baseline | Base | Control | Tuned | Tuned − base | Tuned − control |
| --- | --- | --- | --- | --- | --- | --- | --- |
{scores}

A base that only continues text does not know that it is asked something. What tuning adds is the form of an answer;
what it copies with, the base has learned from the drills.

The whole circle with each seed: how long it took, how many answers tiny-rag got word for word and with the right
document cited, how many sums tiny-agent got right.

| Seed | Minutes | Word for word | Right document | Sums |
| --- | --- | --- | --- | --- |
{uses}
"""
MODELS = ("baseline-overlap", "base", "control", "tuned")


def seeds(args: argparse.Namespace) -> None:
    if Endpoint.from_env().base_url:
        raise UserError("this measures the models that are trained here; unset OPENAI_BASE_URL")
    rows, uses, tokens = [], [], 0.0
    for seed in range(args.seeds):
        folder = args.out.resolve() / f"seed-{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        with only_one(folder, "running"):
            loop = Loop(folder, replace(Plan(str(args.docs.resolve())), seed=seed))
            loop.run(until="scores")
            journal = Journal(folder / "control-steps")
            control = journal.step("control", loop.journal.fingerprint, partial(_control, loop))
            results = loop.run()
        tokens += control["tokens"] / args.seeds
        for task in results["scores"]["tasks"]:
            gains = {f"whole_{other}": _whole(loop, task["task"], other) for other in ("base", "control")}
            rows.append(_beside(task, control[task["task"]]) | gains | {"seed": seed})
        seconds = sum(result["seconds"] for result in results.values())
        uses.append({"seed": seed, "seconds": seconds} | {name: results[name] for name in ("answers", "agent")})
    text = table(rows, uses, tokens)
    if args.docs.resolve() == SAMPLE.resolve():
        atomic_write(Path(__file__).with_name("RESULTS.md"), text)
    cli.show({"scores": rows, "uses": uses}, args.json, text)


def _beside(task: dict[str, Any], control: dict[str, Any]) -> dict[str, Any]:
    """A task's result with the control as one more model."""
    models = {"scores": control["score"], "measured": control["measured"], "exact": control["exact"]}
    return (
        task
        | {name: task[name] | {"control": value} for name, value in models.items()}
        | {"beside_control": control["gain"]}
    )


def _control(loop: Loop, same: bool) -> Result:
    """Pretrained with tuning's tokens on top of the base's own, and asked what base and tuned were asked."""
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
        row = next(row for row in told if row["task"] == task.stem)
        found[task.stem] = {
            "score": row["score"],
            "measured": row["n"] - row["not_measured"],
            "exact": exact(said(task, folder), "control"),
            "gain": compared(loop, f"compare-control-{task.stem}", tuned, control, metric),
        }
    return found


def _whole(loop: Loop, task: str, other: str) -> dict[str, Any]:
    """What tiny-eval says of tuned beside `other` over all questions: an answer is right word for word, or it isn't."""
    files: dict[str, Path] = {}
    rows = said(loop.data / f"{task}.yaml", loop.folder / "scores" / task)
    for model in ("tuned", other):
        files[model] = loop.folder / "whole" / f"{task}-{model}.jsonl"
        preds = [row["answer"] if exact([row], model) else "no" for row in rows]
        write_jsonl(files[model], ({"id": number, "pred": pred, "answers": [row["answer"]]}
                                for number, (pred, row) in enumerate(zip(preds, rows, strict=True))))  # fmt: skip
    metric = "exact_match_zh" if task.endswith("zh") else "exact_match"
    return compared(loop, f"whole-{task}-{other}", files["tuned"], files[other], metric)


def table(rows: list[dict[str, Any]], uses: list[dict[str, Any]], tokens: float) -> str:
    """RESULTS.md; a row is a task's result of one seed, with the control's beside those of the other models."""

    def score(row: dict[str, Any], model: str) -> str:
        found = row["scores"][model]
        return f"{'–' if found is None else f'{found:.1f}'} ({row['measured'][model]})"

    def gain(found: dict[str, Any]) -> str:
        if found["difference"] is None:
            return "–"
        return f"{found['difference']:+.1f}, {found['low']:.1f} to {found['high']:.1f} ({found['n']})"

    exact_rows = [
        f"| {row['seed']} | {row['task']} | "
        + " | ".join(f"{row['exact'][model]} of {row['items']}" for model in MODELS)
        + f" | {gain(row['whole_base'])} | {gain(row['whole_control'])} |"
        for row in rows
    ]  # fmt: skip
    score_rows = [
        f"| {row['seed']} | {row['task']} | " + " | ".join(score(row, model) for model in MODELS)
        + f" | {gain(row)} | {gain(row['beside_control'])} |"
        for row in rows
    ]  # fmt: skip
    use_rows = [
        f"| {row['seed']} | {row['seconds'] / 60:.1f} | {row['answers']['right']} of {row['answers']['questions']} | "
        f"{row['answers']['cited']} of {row['answers']['questions']} | "
        f"{row['agent']['right']} of {row['agent']['questions']} |"
        for row in uses
    ]
    return ABOUT.format(machine=machine(), tokens=f"{tokens / 1e6:.1f} million", exact="\n".join(exact_rows),
                        scores="\n".join(score_rows), uses="\n".join(use_rows))  # fmt: skip


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
