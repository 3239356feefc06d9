"""`make universe`, or: python -m universe [--docs DIR] [--out DIR]. This file only wires; the steps are in loop.py."""

import argparse
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tiny_shared import UserError, cli
from tiny_shared.files import only_one

from universe.loop import Loop, Plan
from universe.page import write_page
from universe.tracks import ROOT

SAMPLE = ROOT / "tiny-rag" / "sample" / "docs"
TOLD = {
    "texts": "read the documents",
    "lessons": "make lessons of them",
    "tokens": "learn a vocabulary",
    "base": "pretrain a model",
    "tuned": "fine-tune it",
    "scores": "score it before and after",
    "answers": "let it answer from the documents",
    "agent": "let an agent run on it",
}


def universe(args: argparse.Namespace) -> None:
    """All steps; the page is written anew after each of them."""
    docs, folder = args.docs.resolve(), args.out.resolve()
    if os.name == "nt":
        raise UserError("the loop needs Linux or macOS; on Windows, run it in WSL")
    if docs.is_relative_to(folder) or folder.is_relative_to(docs):
        raise UserError(f"{folder.as_posix()} and the documents lie in one another; name another --out")
    if folder.exists() and any(folder.iterdir()) and not (folder / "steps").is_dir():
        raise UserError(f"{folder.as_posix()} holds something else, which would be lost; name another --out")
    plan = Plan(str(docs), not args.no_course, args.seed, args.vocabulary, args.drills, args.pretrain_steps,
                args.tune_steps, args.questions)  # fmt: skip
    about = {**asdict(plan), "docs": shown(args.docs), "folder": shown(folder, "../")}
    start = time.monotonic()

    def on_step(name: str | None) -> None:
        if name:
            place = list(TOLD).index(name) + 1
            print(
                f"\n[{place}/{len(TOLD)}, {time.monotonic() - start:.0f} s] {TOLD[name]}", file=sys.stderr, flush=True
            )
        else:
            write_page(folder, about, loop.journal.results)

    folder.mkdir(parents=True, exist_ok=True)
    with only_one(folder, "running"):
        loop = Loop(folder, plan, on_step)
        results = loop.run()
        page = write_page(folder, about, results)
    brief = {"page": page, "seconds": round(sum(result["seconds"] for result in results.values()), 1),
             "scores": {task["task"]: task["scores"] for task in results["scores"]["tasks"]},
             "answers": [results["answers"]["right"], results["answers"]["questions"]],
             "agent": [results["agent"]["right"], results["agent"]["questions"]]}  # fmt: skip
    cli.show(brief, args.json, lambda: text(results, page))


def text(made: dict[str, dict[str, Any]], page: Path) -> str:
    lines = []
    for task in made["scores"]["tasks"]:
        base, tuned = (
            "–" if task["scores"][name] is None else f"{task['scores'][name]:.1f}" for name in ("base", "tuned")
        )
        gain = task["verdict"]
        if task["difference"] is not None:
            gain = f"the gain is {task['low']:.1f} to {task['high']:.1f} with 95 % confidence, {task['n']} questions"
        lines.append(f"{task['task']}: base {base}, tuned {tuned} ({task['metric']}; {gain})")
    answers, agent = made["answers"], made["agent"]
    lines.append(f"tiny-rag with {answers['model']}: {answers['right']} of {answers['questions']} answers are word for "
                 f"word, {answers['cited']} cite the right document")  # fmt: skip
    lines.append(f"tiny-agent with {agent['model']}: {agent['right']} of {agent['questions']} sums right")
    lines.append(f"\n{shown(page)}: open it in a browser")
    return "\n".join(lines)


def shown(path: Path, before: str = "") -> str:
    """Relative to the repository where that is shorter."""
    path = path.resolve()
    return before + path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.as_posix()


def parser() -> cli.Parser:
    top = cli.Parser(prog="python -m universe", description="Documents, a model, a server, and three tracks that run "
                     "on it, offline. Run again, it goes on where it was. With OPENAI_BASE_URL and OPENAI_MODEL set, "
                     "tiny-rag and tiny-agent ask that server instead, and tiny-eval scores it, too.")  # fmt: skip
    top.set_defaults(run=universe)
    cli.add_json(top)
    cli.add_seed(top)
    top.add_argument("--docs", type=Path, default=SAMPLE, metavar="DIR", help="your documents (default: a sample)")
    top.add_argument(
        "--out", type=Path, default=ROOT / "runs" / "universe", metavar="DIR", help="default: runs/universe"
    )
    top.add_argument("--no-course", action="store_true", help="read the documents only, not the course's chapters, too")
    top.add_argument("--vocabulary", type=cli.positive, default=Plan.vocabulary, metavar="N", help="of the tokenizer")
    top.add_argument(
        "--drills", type=cli.positive, default=Plan.drills, metavar="N", help="texts to learn copying from"
    )
    top.add_argument("--pretrain-steps", type=cli.positive, default=Plan.pretrain_steps, metavar="N",
                     help=f"default: {Plan.pretrain_steps}")  # fmt: skip
    top.add_argument("--tune-steps", type=cli.positive, default=Plan.tune_steps, metavar="N",
                     help=f"default: {Plan.tune_steps}")  # fmt: skip
    top.add_argument("--questions", type=cli.positive, default=Plan.questions, metavar="N",
                     help=f"for tiny-rag and for tiny-agent (default: {Plan.questions})")  # fmt: skip
    return top


if __name__ == "__main__":
    sys.exit(cli.run(parser()))
