"""The commands that ask models and report on it: run, tasks, judge, report, download. main.py adds them to its own."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiny_shared import UserError, cli

if TYPE_CHECKING:
    from tiny_eval.running.plan import Asked, Settings
    from tiny_eval.running.question import Model
    from tiny_eval.running.results import Result
    from tiny_eval.running.task import Fields, Task


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# ---- run -----------------------------------------------------------------------------------------------------------


def run(args: argparse.Namespace) -> None:
    """Every task with every model; results on stdout, progress on stderr."""
    from tiny_shared.files import only_one

    from tiny_eval.running.results import read_result

    prepared = [prepare(name, args) for name in args.task]
    if args.dry_run:
        found = asyncio.run(look_before(prepared, args))
        cli.show([one for one, _ in found], args.json, lambda: "\n\n".join(text for _, text in found))
        return
    with only_one(args.out, "running"):
        paths = asyncio.run(ask(prepared, args))
    note(f"{args.out.as_posix()}: {len(paths)} prediction files")
    results = [read_result(path.with_suffix(".run.json")) for path in paths]
    cli.show([one.as_json() for one in results], args.json, lambda: results_table(results))
    missing = sum(one.about["failed"] for one in results)
    if missing:
        note(f"{missing} requests failed, and their items are not measured; the same command asks them again")


def prepare(name: str, args: argparse.Namespace) -> "tuple[Task, list[Fields], list[Fields], list[Asked], Settings]":
    """Everything that can be wrong before the first request."""
    from tiny_eval.running.items import read_examples, read_items
    from tiny_eval.running.plan import Settings, plan
    from tiny_eval.running.prompt import cut_by_tokenizer
    from tiny_eval.running.run import overridden
    from tiny_eval.running.task import find_task

    task = find_task(name)
    if task.adapt and args.data:
        task = task.adapt(task, args.data)
    task = overridden(task, args.few_shot, "loglikelihood" if args.loglikelihood else None)
    items = read_items(task, args.data)[: args.limit]
    examples = read_examples(task, task.few_shot)
    settings = Settings(
        args.repeat, args.max_tokens, args.temperature, args.seed, args.chat_template, args.max_prompt_tokens,
        cut_by_tokenizer(args.tokenizer) if args.tokenizer else None, args.allow_code,
    )  # fmt: skip
    asked = plan(task, items, examples, settings)
    cut = sum(each.questions[0].prompt.cut > 0 for each in asked)
    if cut:
        note(f"warning: {cut} of {len(asked)} prompts of {task.name} are longer than {args.max_prompt_tokens} tokens; "
             "their middle is left out")  # fmt: skip
    return task, items, examples, asked, settings


async def model_of(name: str, task: "Task", items: "Sequence[Fields]", args: argparse.Namespace,
                   stack: AsyncExitStack, on_retry: Callable[..., object]) -> "Model":  # fmt: skip
    """baseline:NAME, python:FILE.py:FUNCTION, or the name of a model that the server serves."""
    kind, _, rest = name.partition(":")
    if kind == "baseline":
        from tiny_eval.running.baselines import Baseline

        return Baseline(rest, task, items)
    if kind == "python":
        from tiny_eval.running.function import FunctionModel

        return FunctionModel(rest)
    return served(await stack.enter_async_context(endpoint_of(args, on_retry)), name, args.api, args.extra)


def endpoint_of(args: argparse.Namespace, on_retry: Callable[..., object] = lambda *_: None) -> Any:
    from tiny_shared.async_endpoint import AsyncEndpoint
    from tiny_shared.endpoint import Settings

    settings = Settings.from_env()
    if args.base_url:
        settings = replace(settings, base_url=args.base_url)
    if not settings.configured:
        raise UserError("no server is configured; set OPENAI_BASE_URL (and OPENAI_API_KEY if it wants one), or "
                        "name a baseline such as --model baseline:overlap")  # fmt: skip
    return AsyncEndpoint(settings, args.timeout, args.retries, args.deadline, on_retry=on_retry,
                         at_once=args.concurrency)  # fmt: skip


def served(endpoint: Any, name: str, api: str = "chat", extra: dict[str, Any] | None = None) -> "Model":
    """A model of the server's; what the endpoint complains about becomes what the core understands."""
    from tiny_shared.endpoint import DEFAULT_URL, ChatError

    from tiny_eval.running.question import NotAnswered
    from tiny_eval.running.server import ServerModel

    async def ask_server(path: str, request: dict[str, Any]) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = await endpoint.ask(path, request)
        except ChatError as error:
            raise NotAnswered(str(error), error.unreachable or error.status in (401, 403, 404)) from None
        return answer

    return ServerModel(ask_server, endpoint.settings.base_url or DEFAULT_URL, name, api, extra)


async def ask(prepared: Sequence[Any], args: argparse.Namespace) -> list[Path]:
    from tiny_shared.files import atomic_write, write_jsonl

    from tiny_eval.running.run import Prices, run_task
    from tiny_eval.running.runner import Limits

    prices, paths = Prices(args.price_in, args.price_out), []
    for task, items, _, asked, settings in prepared:
        for name in args.model:
            count = sum(len(each.questions) for each in asked)
            async with AsyncExitStack() as stack:
                with cli.progress_bar(f"{task.name}, {name}", count, "request") as bar:
                    spent = {"failed": 0, "retried": 0, "tokens": 0}

                    def retried(error: Exception, wait_s: float, spent: dict[str, int] = spent, bar: Any = bar) -> None:
                        spent["retried"] += 1
                        bar.set_postfix(spent, refresh=False)

                    def done(question: Any, answer: Any, was_asked: bool, spent: dict[str, int] = spent,
                             bar: Any = bar) -> None:  # fmt: skip
                        if answer is None:
                            spent["failed"] += 1
                        else:
                            spent["tokens"] += answer.prompt_tokens + answer.completion_tokens
                        bar.set_postfix(spent, refresh=False)
                        bar.update()

                    model = await model_of(name, task, items, args, stack, retried)
                    limits = Limits(args.concurrency, args.rate)
                    found = await run_task(task, asked, model, args.out, settings, limits, prices, done)
            write_jsonl(found.path, found.rows)
            about = json.dumps(found.about, ensure_ascii=False, indent=2) + "\n"
            atomic_write(found.path.with_suffix(".run.json"), about)
            paths.append(found.path)
    return paths


async def look_before(prepared: Sequence[Any], args: argparse.Namespace) -> list[tuple[dict[str, Any], str]]:
    """What a run would send; with --probe, or without a server, also whether the order of the options decides."""
    from dataclasses import asdict

    from tiny_eval.running.journal import Journal
    from tiny_eval.running.preflight import preflight, shuffle_options
    from tiny_eval.running.question import key
    from tiny_eval.running.run import JOURNAL, Prices

    answers = Journal(args.out / JOURNAL).read().answers
    measured = [row["seconds"] for row in answers.values() if row.get("seconds")]
    each_s = sum(measured) / len(measured) if measured else None
    found = []
    for task, items, examples, asked, settings in prepared:
        for name in args.model:
            async with AsyncExitStack() as stack:
                model = await model_of(name, task, items, args, stack, lambda *_: None)
                known = [key(model, question) in answers for each in asked for question in each.questions]
                prices = Prices(args.price_in, args.price_out)
                one = preflight(task, asked, model, known, prices, args.concurrency, each_s)
                probe = args.probe or name.startswith(("baseline:", "python:"))
                turned = await shuffle_options(task, items, examples, model, settings) if probe else None
            shuffled = None if turned is None else asdict(turned)
            found.append((asdict(one) | {"shuffled": shuffled}, preflight_text(one, shuffled, probe, each_s)))
    return found


# ---- the others ------------------------------------------------------------------------------------------------------


def tasks(args: argparse.Namespace) -> None:
    from tiny_eval.running.task import find_task, task_files

    rows = []
    for name, path in task_files().items():
        task = find_task(name)
        rows.append({"name": name, "language": task.language, "kind": task.kind, "metric": task.metric_name,
                     "about": task.about, "file": Path(os.path.relpath(path)).as_posix(),
                     "data": bool(task.read)})  # fmt: skip
    width = max(len(str(row["name"])) for row in rows)
    cli.show(rows, args.json, lambda: "\n".join(
        f"{row['name']:{width}}  {row['language']:2}  {row['metric']:18}  {row['about']}" for row in rows
    ))  # fmt: skip


def judge(args: argparse.Namespace) -> None:
    from tiny_shared.files import only_one, write_jsonl

    from tiny_eval.judging.card import agreement_with, card_of
    from tiny_eval.judging.judge import Judge, read_rubric
    from tiny_eval.running.run import JOURNAL

    rubric = read_rubric(args.rubric)

    async def go() -> list[dict[str, Any]]:
        async with endpoint_of(args) as endpoint:
            judging = Judge(served(endpoint, args.model), rubric, args.repeat, args.max_tokens)
            with cli.progress_bar("judging", None, "request") as bar:
                work = (args.path, args.other) if args.other else (args.path,)
                journal = args.out / JOURNAL
                return await judging.run(work, journal, args.limit, args.concurrency, lambda *_: bar.update())

    with only_one(args.out, "judging"):
        judgements = asyncio.run(go())
        write_jsonl(args.out / "judgements.jsonl", judgements)
    card = card_of(judgements)
    if args.labels:
        card = replace(card, **agreement_with(judgements, args.labels))
    cli.show(card, args.json, lambda: card_text(card, args.out))


def report(args: argparse.Namespace) -> None:
    from tiny_shared.files import atomic_write

    from tiny_eval.reporting.collect import collect
    from tiny_eval.reporting.files import report_files

    found = collect(args.folder)
    out = args.out or args.folder / "report"
    for name, data in report_files(found, not args.no_plots).items():
        atomic_write(out / name, data)
    (note if args.json else print)(
        f"{out.as_posix()}: open report.html; beside it are report.md, report.json and plots"
    )
    if args.json or not args.no_table:
        cli.show([one.as_json() for one in found.results], args.json, lambda: results_table(found.results))


def download(args: argparse.Namespace) -> None:
    from tiny_shared.download import download as fetch

    from tiny_eval.running.downloads import FILES, published

    if args.name is None:
        cli.show([vars(each) for each in FILES.values()], args.json, lambda: "\n".join(
            f"{name:10}  {each.licence:12}  {each.about}" for name, each in FILES.items()
        ))  # fmt: skip
        return
    one = published(args.name)
    path = fetch(args.url or one.url, args.out / one.file, licence=f"{one.licence} licence, {one.about}")
    cli.show({"path": path.as_posix()}, args.json, f"{path.as_posix()}: python main.py run --task {args.name} --data "
             f"{path.as_posix()} --model MODEL --out runs")  # fmt: skip


# ---- showing -------------------------------------------------------------------------------------------------------


def results_table(results: "Sequence[Result]") -> str:
    """Costs are left out where nothing but baselines was asked: they have none."""
    names = ("task", "model", "metric", "score", "items", "not measured", "tokens", "cost", "seconds")
    rows = [names, *map(result_row, results)]
    shown = len(names) if any(not one.model.startswith("baseline-") for one in results) else names.index("tokens")
    widths = [max(len(row[column]) for row in rows) for column in range(shown)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip()
                     for row in rows)  # fmt: skip


def result_row(one: "Result") -> tuple[str, ...]:
    said, summary = one.as_json(), one.summary
    if summary is None:
        value = said.get("perplexity")
        score = "none" if value is None else f"{value:.3f}, {said['bits_per_byte']:.4f} bits/byte"
        count, missing = said.get("scored_tokens", 0), said["not_measured"]
    else:
        score = "none" if summary.score is None else f"{summary.score:.2f}"
        score += "" if summary.stderr is None else f" ± {summary.stderr:.2f}"
        if summary.not_measured and summary.low is not None:
            score += f" ({summary.low:.0f} to {summary.high:.0f})"
        score += "".join(f", {name} {value:.2f}" for name, value in one.more.items())
        count, missing = summary.n, summary.not_measured
    return (one.task, one.model, str(said["metric"]), score, f"{count:,}", f"{missing:,}",
            f"{sum(said['tokens'] or [0]):,}", f"{said['cost'] or 0:g}", f"{said['seconds'] or 0:.1f}")  # fmt: skip


def preflight_text(one: Any, shuffled: dict[str, int] | None, probe: bool, each_s: float | None) -> str:
    lines = [f"{one.task} with {one.model}: nothing is sent"]
    for number, prompt in enumerate(one.prompts, 1):
        lines += [f"--- prompt {number} of {one.items} " + "-" * 40, prompt]
    lines += ["-" * 58, f"items            {one.items:,}"]
    lines.append(f"requests         {one.requests:,}, of which {one.new_requests:,} were never answered before")
    lines.append(f"prompt tokens    about {one.prompt_tokens:,}")
    lines.append(f"answer tokens    at most {one.completion_tokens_at_most:,}")
    lines.append(f"cost             at most {one.cost_at_most:.4g} (by --price-in and --price-out)")
    how = "at 1 s a request; nothing was measured yet" if each_s is None else f"at {each_s:.2f} s a request, as before"
    lines.append(f"time             about {one.seconds:,.0f} s ({how})")
    if one.cut_prompts:
        lines.append(f"warning          {one.cut_prompts} prompts are too long; their middle is left out")
    if shuffled:
        lines.append(f"order of options {shuffled['kept']} of {shuffled['asked']} answers stay the same when the "
                     "options are shuffled")  # fmt: skip
    elif not probe:
        lines.append("order of options not asked; --probe sends 20 requests to find out")
    return "\n".join(lines)


def card_text(card: Any, out: Path) -> str:
    from tiny_eval.judging.card import lines

    return "\n".join([f"{out.as_posix()}: {card.judged} judged, {card.not_measured} not measured", *lines(card)])


# ---- the command line ----------------------------------------------------------------------------------------------


def add_commands(command: Callable[..., argparse.ArgumentParser]) -> None:
    sub = command("run", run, "ask models, keep every answer, and score the predictions")
    sub.add_argument("--task", nargs="+", required=True, metavar="T", help="names ('tasks' lists them) or task files")
    sub.add_argument("--model", nargs="+", required=True, metavar="M",
                     help="a name that the server knows, baseline:(majority|lead|overlap|ngram), or python:FILE.py:NAME"
                     )  # fmt: skip
    sub.add_argument("--out", type=Path, required=True, metavar="DIR", help="where runs are kept and gone on with")
    sub.add_argument("--data", type=Path, metavar="PATH", help="the items' file, or a benchmark's file or folder")
    sub.add_argument("--limit", type=cli.positive, metavar="N", help="only the first N items")
    sub.add_argument("--few-shot", type=number_from(0), metavar="K", help="show K solved examples first")
    sub.add_argument("--repeat", type=cli.positive, default=1, metavar="N", help="ask everything N times (default: 1)")
    sub.add_argument("--loglikelihood", action="store_true", help="choose the likeliest option instead of asking")
    sub.add_argument("--dry-run", action="store_true", help="show prompts, requests, tokens and cost; send nothing")
    sub.add_argument("--probe", action="store_true", help="with --dry-run: ask ten questions with shuffled options")
    sub.add_argument("--allow-code", action="store_true", help="run the programs that the model writes")
    sub.add_argument("--max-tokens", type=cli.positive, metavar="N", help="of an answer (default: the task's)")
    sub.add_argument("--temperature", type=number_from(0, float), metavar="X", help="default: the task's")
    sub.add_argument("--seed", type=number_from(0), metavar="N", help="sent along; repetition k gets N + k")
    sub.add_argument("--api", choices=["chat", "completions"], default="chat", help="default: chat")
    sub.add_argument("--chat-template", choices=["plain", "chatml", "llama3"], default="plain",
                     help="how a prompt becomes one text, for --api completions (default: plain)")  # fmt: skip
    sub.add_argument("--extra", type=json_object, metavar="JSON", help='more for the request, such as {"top_p": 0.8}')
    sub.add_argument("--max-prompt-tokens", type=cli.positive, metavar="N", help="cut longer prompts in the middle")
    sub.add_argument("--tokenizer", metavar="FILE", help="a tokenizer.json to count with (default: an estimate)")
    sub.add_argument("--price-in", type=number_from(0, float), default=0.0, metavar="X",
                     help="for a million prompt tokens")  # fmt: skip
    sub.add_argument("--price-out", type=number_from(0, float), default=0.0, metavar="X",
                     help="for a million answer tokens")  # fmt: skip
    add_server(sub)
    sub.add_argument("--rate", type=number_from(0, float), default=0.0, metavar="X", help="at most X requests a second")

    command("tasks", tasks, "list the tasks")

    sub = command("judge", judge, "have a model judge predictions, one file by a rubric or two against each other")
    sub.add_argument("path", type=Path, metavar="PRED.jsonl")
    sub.add_argument("other", type=Path, nargs="?", metavar="OTHER.jsonl", help="judge pairs, each in both orders")
    sub.add_argument("--model", required=True, metavar="M", help="the judge, a name that the server knows")
    sub.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the judgements are kept")
    sub.add_argument(
        "--rubric", type=Path, metavar="FILE", help="what is good, in words (default: correct and helpful)"
    )
    sub.add_argument("--labels", type=Path, metavar="FILE", help='judgements by people: {"id", "label"} a line')
    sub.add_argument("--repeat", type=cli.positive, default=2, metavar="N",
                     help="judge everything N times, to see whether it agrees with itself (default: 2)")  # fmt: skip
    sub.add_argument("--limit", type=cli.positive, metavar="N", help="only the first N items")
    sub.add_argument("--max-tokens", type=cli.positive, default=512, metavar="N", help="of a judgement (default: 512)")
    add_server(sub)

    sub = command("report", report, "write a report on a folder of runs: Markdown, JSON, plots, and a page")
    sub.add_argument("folder", type=Path, metavar="DIR", help="what 'run --out' wrote")
    sub.add_argument("--out", type=Path, metavar="DIR", help="default: DIR/report")
    sub.add_argument("--no-plots", action="store_true", help="without the PNG plots")
    sub.add_argument("--no-table", action="store_true", help="only write the files")

    sub = command("download", download, "fetch a benchmark whose licence is clear; without a name, list them")
    sub.add_argument("name", nargs="?", metavar="NAME")
    sub.add_argument("--out", type=Path, default=Path("data"), metavar="DIR", help="default: data")
    sub.add_argument("--url", metavar="URL", help="from another address, such as a mirror")


def add_server(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--base-url", metavar="URL", help="of the server (default: OPENAI_BASE_URL)")
    sub.add_argument("--concurrency", type=cli.positive, default=8, metavar="N", help="requests at once (default: 8)")
    sub.add_argument("--retries", type=number_from(0), default=5, metavar="N", help="of a request (default: 5)")
    sub.add_argument("--timeout", type=above_0, default=60.0, metavar="S", help="longest silence (default: 60)")
    sub.add_argument("--deadline", type=above_0, default=600.0, metavar="S",
                     help="for a request with its retries (default: 600)")  # fmt: skip


def number_from(lowest: float, kind: type = int) -> Callable[[str], Any]:
    """The type of an argument: a number that isn't below `lowest`."""

    def parse(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not lowest <= value < float("inf"):
            raise argparse.ArgumentTypeError(f"must be a number from {lowest:g} up (got {text!r})")
        return value

    return parse


def json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"must be a JSON object (got {text!r})")
    return value


def above_0(text: str) -> float:
    value: float = number_from(0, float)(text)
    if not value:
        raise argparse.ArgumentTypeError(f"must be above 0 (got {text!r})")
    return value
