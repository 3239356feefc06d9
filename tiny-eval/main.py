"""tiny-eval on the command line; without a command it runs the offline demonstration.

This file only wires: parse, call, show. The lesson is in tiny_eval/; `python main.py read` lists it in order.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiny_shared import UserError, cli

from runs import add_commands

if TYPE_CHECKING:
    from tiny_eval.compare import Comparison
    from tiny_eval.score import Scoring

HERE = Path(__file__).resolve().parent
READING_PATH = [
    "tiny_eval/metrics/words_en.py",
    "tiny_eval/metrics/overlap.py",
    "tiny_eval/metrics/qa_f1.py",
    "tiny_eval/outcomes.py",
    "tiny_eval/score.py",
    "tiny_eval/stats/errors.py",
    "tiny_eval/stats/permutation.py",
    "tiny_eval/compare.py",
]
DEMO_TASKS = [f"{kind}-{language}" for language in ("en", "zh") for kind in ("choice", "classify", "qa", "summary",
                                                                             "maths")]  # fmt: skip


def demo(args: argparse.Namespace) -> None:
    """Two baselines do ten sample tasks; one answer explained; two of the files compared, twice; the report."""
    folder = demo_folder().as_posix()
    say("Two baselines that need no model do the sample tasks. Whatever a model scores is worth what lies above:\n")
    run(["run", "--task", *DEMO_TASKS, "--model", "baseline:overlap", "baseline:majority", "--out", folder])
    overlap, majority = (f"{folder}/qa-en/baseline-{name}.jsonl" for name in ("overlap", "majority"))
    say("\nHow one answer got its score:\n")
    run(["explain", overlap, "--id", "qa-1", "--metric", "qa_f1"])
    say("\nIs one better? Three questions share a text, so the witnesses are eight texts, not 24 questions:\n")
    run(["compare", overlap, majority, "--metric", "qa_f1", "--cluster", "document"])
    say("\nEverything on one page, to filter and to look at item by item:\n")
    run(["report", folder, "--no-table"])
    say("\nNow your own model, behind any OpenAI-compatible server, or predictions that you have already:")
    say("  python main.py run --task choice-en qa-zh --model MODEL --base-url http://localhost:8000/v1 --out runs/mine")
    say("  python main.py score PRED.jsonl --metric qa_f1")


def demo_folder() -> Path:
    """runs/demo, emptied; where the current folder can't be written to, a temporary one."""
    folder = Path("runs", "demo")
    try:
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="tiny-eval-"))
    return folder


def score(args: argparse.Namespace) -> None:
    from tiny_eval.score import score_file, score_folder

    asked = scoring(args)
    if args.path.is_dir():
        found = score_folder(args.path, asked)
        cli.show([summary.as_json() for summary in found], args.json, lambda: score_table(found))
        return
    summary = score_file(args.path, **vars(asked))
    cli.show(summary.as_json(), args.json, lambda: score_text(summary))


def compare(args: argparse.Namespace) -> None:
    from tiny_eval.compare import compare_files, compare_folders

    for path in (args.a, args.b):
        path.stat()  # before anything is said about its kind
    if args.a.is_dir() != args.b.is_dir():
        raise UserError(
            f"{args.a.as_posix()} and {args.b.as_posix()}: a file and a folder; name two files or two folders"
        )
    if args.a.is_dir():
        found = compare_folders(args.a, args.b, scoring(args), args.intersect, args.seed)
        cli.show([one.as_json(args.language) for one in found], args.json, lambda: comparisons_text(found, args))
        return
    one = compare_files(args.a, args.b, scoring(args), args.intersect, args.comparisons, args.seed)
    cli.show(one.as_json(args.language), args.json, lambda: comparison_text(one, args.language))


def explain(args: argparse.Namespace) -> None:
    from tiny_eval.explain import explain as find
    from tiny_eval.explain_views import as_page, as_text

    found = find(args.path, args.id, scoring(args))
    if args.html:
        from tiny_shared.files import atomic_write

        atomic_write(args.html, as_page(found))
        print(f"{args.html.as_posix()}: written", file=sys.stderr)
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    cli.show(found, args.json, lambda: as_text(found, colour))


def audit(args: argparse.Namespace) -> None:
    from tiny_eval.audit import audit as look

    found = look(args.path, scoring(args), args.extractors)
    cli.show(found, args.json, lambda: audit_text(found))


def doctor(args: argparse.Namespace) -> None:
    from tiny_eval.claimed import check_claim, is_claim
    from tiny_eval.doctor import examine
    from tiny_eval.rows import prediction_files

    if args.path.is_file() and is_claim(args.path):
        raise UserError(f"{args.path.as_posix()}: this is a claim, not predictions; pass it with --claimed")
    reports, problems = [], 0
    for path in prediction_files(args.path) if args.path.is_dir() else [args.path]:
        report = examine(path)
        claim = None
        if args.claimed and not any(finding.kind in ("unreadable", "no rows") for finding in report.findings):
            claim = check_claim(path, args.claimed, scoring(args))
        reports.append({"report": report, "claim": claim})
        problems += report.serious + (claim is not None and not claim.holds)
    plain = [{**vars_of(one["report"]), "claim": one["claim"]} for one in reports]
    cli.show(plain if args.path.is_dir() else plain[0], args.json, lambda: "\n".join(map(doctor_text, reports)))
    if problems:
        raise UserError(f"{problems} {'problem' if problems == 1 else 'problems'}, see above; mend the file, or score "
                        "it knowing them")  # fmt: skip


def metrics(args: argparse.Namespace) -> None:
    from tiny_eval.metrics.specs import CORPUS_SCORERS, SPECS

    rows = [
        {"name": spec.name, "language": spec.language, "description": spec.description, "source": spec.source,
         "binary": spec.binary, "needs_classes": spec.needs_classes, "corpus": False}
        for spec in SPECS.values()
    ]  # fmt: skip
    rows += [
        {"name": name, "language": "zh" if name.endswith("_zh") else "any",
         "description": "over the whole file at once; by row: " + name + "_sentence",
         "source": "sacrebleu 2", "binary": False, "needs_classes": False, "corpus": True}
        for name in CORPUS_SCORERS
    ]  # fmt: skip
    width = max(len(str(row["name"])) for row in rows)
    cli.show(rows, args.json, lambda: "\n".join(
        f"{row['name']:{width}}  {row['language']:3}  {row['description']} ({row['source']})" for row in rows
    ))  # fmt: skip


def read(args: argparse.Namespace) -> None:
    cli.print_reading_path(HERE, READING_PATH, args.json)


# ---- showing things ------------------------------------------------------------------------------------------------


def say(text: str) -> None:
    print(text, flush=True)


def run(arguments: list[str]) -> None:
    """One command of the demonstration, written out as the reader would type it."""
    say("$ python main.py " + " ".join(arguments))
    args = parser().parse_args(arguments)
    args.run(args)


def points(value: float | None, stderr: float | None = None) -> str:
    if value is None:
        return "none"
    return f"{value:.2f}" + ("" if stderr is None else f" ± {stderr:.2f}")


def score_text(found: Any) -> str:
    lines = [f"{found.path}: {found.metric} {points(found.score, found.stderr)} on {found.n} items"]
    if found.clusters:
        lines[0] += f" in {found.clusters} clusters by {found.cluster!r}"
    if found.not_measured:
        why = ", ".join(f"{count} {reason}" for reason, count in found.reasons.items())
        lines.append(f"  not measured: {found.not_measured} ({why}); with them it lies between "
                     f"{points(found.low)} and {points(found.high)}")  # fmt: skip
    if found.duplicates:
        what = "dropped" if found.deduped else "counted twice; --dedupe drops them"
        lines.append(f"  duplicates: {found.duplicates}, {what}")
    if found.first_line:
        lines.append("  predictions cut at their first line; --no-first-line takes all of them")
    if found.extractor:
        fired = ", ".join(f"{name} {count}" for name, count in found.extractors_fired.items()) or "none fired"
        lines.append(f"  answers found by {found.extractor}: {fired}")
    return "\n".join(lines)


def score_table(found: list[Any]) -> str:
    width = max(len(Path(one.path).name) for one in found)
    lines = [f"{'file':{width}}  {'metric':20} {'score':>7} {'stderr':>7} {'n':>7} {'not measured':>13} {'copies':>7}"]
    for one in found:
        lines.append(f"{Path(one.path).name:{width}}  {one.metric:20} {points(one.score):>7} {points(one.stderr):>7} "
                     f"{one.n:7} {one.not_measured:13} {one.duplicates:7}")  # fmt: skip
    scores = [one.score for one in found if one.score is not None]
    if scores:
        lines.append(f"mean of {len(scores)} files: {points(sum(scores) / len(scores))}")
    return "\n".join(lines)


def comparison_text(found: "Comparison", language: str) -> str:
    from tiny_eval.compare import verdict

    p = found.paired
    percent = f"{100 * p.level:.4g} %"
    lines = [
        f"{found.metric}, {p.n} items" + (f" in {p.clusters} clusters" if p.clusters else ""),
        f"  A  {points(p.mean_a, p.stderr_a)}  {found.a}",
        f"  B  {points(p.mean_b, p.stderr_b)}  {found.b}",
        f"  A - B            {points(p.difference, p.stderr)}, {percent} interval {p.low:.2f} to {p.high:.2f} "
        f"(bootstrap {p.bootstrap_low:.2f} to {p.bootstrap_high:.2f})",
        f"  permutation      p = {p.p_permutation:.4f} ({'exact' if p.permutation_exact else 'sampled'})",
    ]
    if p.mcnemar:
        m = p.mcnemar
        caution = "; it takes the items as independent" if p.clusters else ""
        right = f"{m.only_a} right in A only, {m.only_b} in B only"
        lines.append(f"  McNemar          {right}: p = {m.p:.4f} (mid-p {m.mid_p:.4f}){caution}")
    if found.comparisons > 1:
        lines.append(f"  one of {found.comparisons} comparisons: corrected p = {found.p_corrected:.4f}, wider interval")
    else:
        lines.append("  one comparison; if this pair was picked out of k, say --comparisons k")
    if found.not_measured:
        lines.append(f"  not measured     {found.not_measured} items; with them A - B lies between "
                     f"{found.worst:.2f} and {found.best:.2f}")  # fmt: skip
    if found.left_out:
        lines.append(f"  left out         {found.left_out} ids that are in one file only")
    if found.items_for_one_point:
        lines.append(f"  to see 1 point   about {found.items_for_one_point:,} items (80 % of the time)")
    return "\n".join([*lines, verdict(found, language)])


def comparisons_text(found: "list[Comparison]", args: argparse.Namespace) -> str:
    from tiny_eval.compare import verdict

    lines = [f"{Path(one.a).name}, {one.metric}: {verdict(one, args.language)} (corrected p = {one.p_corrected:.4f})"
             for one in found]  # fmt: skip
    return "\n".join([*lines, f"{len(found)} comparisons: p-values by Holm, intervals by Bonferroni"])


def audit_text(found: Any) -> str:
    lines = [f"{found.path}: {found.metric}, {found.n} items"]
    lines.append(f"{'extractor':14} {'score':>7} {'from':>7} {'to':>7} {'unparsed':>9}")
    for one in found.readings:
        lines.append(
            f"{one.extractor:14} {points(one.score):>7} {one.low:7.2f} {one.high:7.2f} {one.unparsed_rate:9.1%}"
            + ("  found nothing, left out below" if one.score is None else "")
        )
    if found.spread is None:
        return "\n".join([*lines, "fewer than two of them found an answer: there is no spread to tell"])
    return "\n".join(
        [*lines, f"with what wasn't parsed as wrong, the extractor moves the score by {found.spread:.2f} points"]
    )


def vars_of(report: Any) -> dict[str, Any]:
    return {"path": report.path, "rows": report.rows, "findings": report.findings}


def doctor_text(one: dict[str, Any]) -> str:
    report, claim = one["report"], one["claim"]
    lines = [f"{report.path}: {report.rows} rows"]
    for finding in report.findings:
        lines.append(f"  {'problem' if finding.serious else 'note':8} {finding.message}")
        lines += [f"{'':10} {place}" for place in finding.places]
    if not report.findings:
        lines.append("  nothing wrong found")
    if claim:
        said = f"claimed {claim.claimed:g}, these predictions give {claim.ours:.2f}"
        if claim.holds:
            lines.append(f"  holds    {said}")
        else:
            how = f"it comes out with: {claim.given_by}" if claim.given_by else "no way of scoring gives it"
            lines.append(f"  problem  {said}; {how}")
    return "\n".join(lines)


# ---- the command line ----------------------------------------------------------------------------------------------


def scoring(args: argparse.Namespace) -> "Scoring":
    from tiny_eval.score import Scoring

    names = ("dedupe", "first_line", "extractor", "compat", "cluster")
    return Scoring(args.metric, **{name: getattr(args, name) for name in names if hasattr(args, name)})


def parser() -> cli.Parser:
    top = cli.Parser(prog="main.py", description="Scores that can be trusted, explained and compared, offline.")
    top.set_defaults(run=demo)
    commands = top.add_subparsers(title="commands (none: the demonstration)", metavar="COMMAND")

    def command(name: str, run: Any, about: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".")
        sub.set_defaults(run=run)
        cli.add_json(sub)
        return sub

    def add_metric(sub: argparse.ArgumentParser, default: str | None = None) -> None:
        sub.add_argument(
            "--metric",
            default=default,
            required=default is None,
            metavar="NAME",
            help="'metrics' lists them; longbench: what LongBench uses for the task the file is named after",
        )
        sub.add_argument(
            "--first-line",
            action=argparse.BooleanOptionalAction,
            default=None,
            help="cut predictions at their first line, as LongBench does for some tasks",
        )
        sub.add_argument("--compat", action="store_true", help="with the reference implementation's faults")

    def add_rows(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--dedupe", action="store_true", help="drop rows that repeat an earlier one")
        sub.add_argument("--extractor", metavar="NAME", help="find the answer first, such as choice, maths or boxed")

    sub = command("score", score, "score a prediction file, or each file of a folder")
    sub.add_argument("path", type=Path, metavar="PRED.jsonl")
    add_metric(sub)
    add_rows(sub)
    sub.add_argument("--cluster", metavar="FIELD", help="items with the same value share a document")

    sub = command("compare", compare, "compare two prediction files item by item, or two folders file by file")
    sub.add_argument("a", type=Path, metavar="A.jsonl")
    sub.add_argument("b", type=Path, metavar="B.jsonl")
    add_metric(sub)
    add_rows(sub)
    sub.add_argument("--cluster", metavar="FIELD", help="items with the same value share a document")
    sub.add_argument("--intersect", action="store_true", help="compare the ids that both have")
    sub.add_argument(
        "--comparisons", type=cli.positive, default=1, metavar="K", help="this pair is one of K (default: 1)"
    )
    sub.add_argument("--language", choices=["en", "zh"], default="en", help="of the verdict (default: en)")
    cli.add_seed(sub)

    sub = command("explain", explain, "show how one row got its score")
    sub.add_argument("path", type=Path, metavar="PRED.jsonl")
    sub.add_argument("--id", required=True, help="of the row; rows without ids are numbered from 1")
    add_metric(sub)
    sub.add_argument("--extractor", metavar="NAME", help="find the answer first, such as choice, maths or boxed")
    sub.add_argument("--html", type=Path, metavar="FILE", help="write it as a page, too")

    sub = command("audit", audit, "show what the extractors leave unparsed, and how the score moves with them")
    sub.add_argument("path", type=Path, metavar="PRED.jsonl")
    add_metric(sub)
    sub.add_argument(
        "--extractors", nargs="+", default=[], metavar="NAME", help="these (default: those that fit the metric)"
    )

    sub = command("doctor", doctor, "look for what is wrong with a prediction file, or each file of a folder")
    sub.add_argument("path", type=Path, metavar="PRED.jsonl")
    sub.add_argument("--claimed", metavar="FILE", help='check a published score: a number, or JSON {"task": score}')
    add_metric(sub, default="longbench")
    add_rows(sub)

    add_commands(command)
    command("metrics", metrics, "list the metrics")
    command("read", read, "list the files to read, in order")
    return top


def user_errors() -> tuple[type[Exception], ...]:
    """The core's exceptions that the user can put right."""
    from tiny_eval.problem import EvalProblem

    return (EvalProblem,)


if __name__ == "__main__":
    sys.exit(cli.run(parser(), user_errors=user_errors()))
