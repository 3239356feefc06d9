"""tiny-transformer on the command line; without a command it runs the offline demonstration.

This file only wires: parse, call, show. The lesson is in tiny_transformer/; `python main.py read` lists it in order.
"""

import argparse
import contextlib
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiny_shared import UserError, cli

if TYPE_CHECKING:
    from tqdm import tqdm

    from tiny_transformer.run import Run
    from tiny_transformer.translator import Translator

HERE = Path(__file__).resolve().parent
READING_PATH = [
    "tiny_transformer/attention.py",
    "tiny_transformer/masks.py",
    "tiny_transformer/positions.py",
    "tiny_transformer/layers.py",
    "tiny_transformer/model.py",
    "tiny_transformer/recipe.py",
    "tiny_transformer/training.py",
    "tiny_transformer/decoding.py",
]
NAMES = HERE / "sample" / "names" / "names.txt"
TASKS = ("dates", "copy", "reverse", "sort", "parallel")


# ---- training ------------------------------------------------------------------------------------------------------


def demo(args: argparse.Namespace) -> None:
    """Learn dates in about a minute, test on dates never seen, show ten of them and where the model looked."""
    from tiny_transformer.pictures import columns
    from tiny_transformer.tasks.dates import dates_task

    folder = demo_folder()
    say(
        "A Transformer learns to read dates, in English and Chinese, from 32,525 examples; it sees no date of the test."
    )
    run(["train", "--task", "dates", "--out", folder.as_posix()])
    task = dates_task()
    translations = load(folder, "cpu").translate([source for source, _ in task.test])
    right = sum(ours == target for ours, (_, target) in zip(translations, task.test, strict=True))
    say(f"\n{right:,} of {len(task.test):,} unseen dates are right: {right / len(task.test):.2%} exact match\n")
    for mark, source, ours, target in ten_examples(task.test, translations):
        padding = " " * (36 - columns(source))  # a Chinese character takes two columns
        say(f"  {mark}  {source}{padding}  {ours}" + ("" if ours == target else f"  (it is {target})"))
    say("\nWhere did it look? Each row is a character that it wrote, each column one that it read:")
    picture = f"{folder.as_posix()}/attention.png"
    run(["attention", "the 3rd of March, 2021", "--model", folder.as_posix(), "--out", picture])
    say(f'\nNow yours:\n  python main.py translate "03 Mar 2021" "二零二一年三月三日" --model {folder.as_posix()}')
    say("  python main.py ladder")


def ten_examples(pairs: Sequence[tuple[str, str]], translations: Sequence[str]) -> list[tuple[str, str, str, str]]:
    """Up to five that are wrong, the others right."""
    rows = [("✓" if ours == target else "✗", source, ours, target)
            for (source, target), ours in zip(pairs, translations, strict=True)]  # fmt: skip
    wrong = [row for row in rows if row[0] == "✗"][:5]
    return [row for row in rows if row[0] == "✓"][: 10 - len(wrong)] + wrong


def demo_folder() -> Path:
    """runs/demo, emptied; where the current folder can't be written to, a temporary one."""
    folder = Path("runs", "demo")
    try:
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="tiny-transformer-"))
    return folder


def train(args: argparse.Namespace) -> None:
    from tiny_shared.files import only_one

    from tiny_transformer.bpe import FIRST_MERGE
    from tiny_transformer.model import TransformerConfig
    from tiny_transformer.run import Run
    from tiny_transformer.tasks.options import configurations, make_task
    from tiny_transformer.training import TrainingConfig

    # oneDNN keeps a compiled kernel with its scratch memory for each shape; batches have hundreds of shapes, and by
    # default a thousand kernels, 3 GB, would be kept. So many are what one step needs.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64")
    limit_threads(args.threads)
    device = cli.pick_device(args.device)
    options = options_of_the_run(args) if args.resume else options_of_a_new_run(args)
    merges = max(0, options["vocab_size"] - FIRST_MERGE) if "vocab_size" in options else None
    with cli.progress_bar("merges", merges, "merge") as bar:
        task = make_task(options, lambda: bar.update(), note)
    shapes = None
    if not args.resume:
        shapes = configurations(task, given(args, TransformerConfig), given(args, TrainingConfig), device)
    with only_one(args.out, "training"):
        if shapes:
            running = Run.start(args.out, task, *shapes, options, device, write)
        else:
            running = Run.resume(args.out, task, device, write)
            note(f"going on at step {running.trainer.step:,}")
        parameters = sum(p.numel() for p in running.trainer.model.parameters())
        note(f"{task.name}: {len(task.train):,} pairs, {parameters:,} parameters, {running.trainer.config.precision}")
        last = watch(running)
    shown = f"{last[task.metric]:.2%} exact match" if task.metric == "exact_match" else f"BLEU {last['bleu']:.2f}"
    cli.show(
        last | {"folder": args.out, "parameters": parameters},
        args.json,
        f"{args.out.as_posix()}: trained for {last['seconds']:.0f} s; validation: {shown}, "
        f"{last['validation_loss']:.4f} nats a token",
    )


def watch(running: "Run") -> dict[str, Any]:
    """Train with a bar on stderr, and a line for every epoch."""
    from tiny_transformer.metrics import score

    trainer = running.trainer
    with cli.progress_bar(running.task.name, trainer.total_steps, "step", initial=trainer.step) as bar:

        def on_row(row: dict[str, Any]) -> None:
            if "train_loss" in row:
                bar.set_postfix(loss=f"{row['train_loss']:.3f}", refresh=False)
                return
            words = [
                f"{name.replace('_', ' ')} {row[name]:.4g}" for name in row if name not in ("step", "seconds", "final")
            ]
            above(bar, f"{row['seconds']:7.0f} s  {'averaged, ' if row.get('final') else ''}{', '.join(words)}")
            draw_loss(running)

        try:
            return running.train(score, lambda: bar.update(), on_row)
        except KeyboardInterrupt:
            folder = running.folder.as_posix()
            above(bar, f"saved at step {running.saved:,}; go on with: python main.py train --resume --out {folder}")
            raise


def above(bar: "tqdm[Any]", line: str) -> None:
    """A line above the bar; in a log file, where the bar hardly ever speaks, it would only stand in the way."""
    if sys.stderr.isatty():
        bar.write(line, sys.stderr)
    else:
        note(line)


def draw_loss(running: "Run") -> None:
    from tiny_transformer.pictures import loss_png

    write(running.folder / "loss.png", loss_png(running.rows))


def options_of_the_run(args: argparse.Namespace) -> dict[str, Any]:
    """How the task of the run in --out was made; a setting that would change it is refused."""
    from tiny_transformer.run_folder import read_description

    kept = {"out", "resume", "device", "threads", "json", "run", "debug"}
    untouched = vars(parser().parse_args(["train", "--out", str(args.out)]))
    for name, value in vars(args).items():
        if name not in kept and value != untouched[name]:
            raise UserError(f"--{name.replace('_', '-')} can't be changed on --resume; the run goes on as it began")
    if not (args.out / "config.json").exists():
        raise UserError(f"{args.out.as_posix()} holds no run to resume; check the path, or start one with --task")
    return read_description(args.out).made_from


def options_of_a_new_run(args: argparse.Namespace) -> dict[str, Any]:
    """What `make_task` needs, as it is kept in config.json; what does not fit the task is refused."""
    if args.task is None:
        raise UserError(f"name a task: --task {'|'.join(TASKS)}; or --resume with the --out of an earlier run")
    if (args.out / "config.json").exists():
        folder = args.out.as_posix()
        raise UserError(f"{folder} holds a run already; go on with: python main.py train --resume --out {folder}; "
                        "or name another --out")  # fmt: skip
    names = ("source", "target", "tsv", "valid_source", "valid_target", "valid_tsv")
    files = {name: getattr(args, name).resolve().as_posix() for name in names if getattr(args, name) is not None}
    options: dict[str, Any] = {"task": args.task, "seed": args.seed}
    if args.task != "parallel":
        for name in (*names, "vocab_size", "drop_long"):
            if getattr(args, name):
                raise UserError(
                    f"--{name.replace('_', '-')} belongs to --task parallel; {args.task} makes its own data"
                )
        return options
    if files.keys() & {"source", "target", "tsv"} not in ({"source", "target"}, {"tsv"}):
        raise UserError("--task parallel needs --source FILE --target FILE, or --tsv FILE")
    if files.keys() & {"valid_source", "valid_target", "valid_tsv"} not in (
        set(),
        {"valid_source", "valid_target"},
        {"valid_tsv"},
    ):
        raise UserError("for validation give --valid-source FILE --valid-target FILE, or --valid-tsv FILE, or nothing")
    return options | files | {"vocab_size": args.vocab_size or 6000, "max_len": args.max_len or 256,
                              "drop_long": args.drop_long}  # fmt: skip


def given(args: argparse.Namespace, kind: Any) -> dict[str, Any]:
    """What the user set of a configuration's fields; the vocabulary's size follows from the texts."""
    values = {field.name: getattr(args, field.name, None) for field in fields(kind) if field.name != "vocab_size"}
    return {name: value for name, value in values.items() if value is not None}


# ---- using a model -------------------------------------------------------------------------------------------------


def translate(args: argparse.Namespace) -> None:
    limit_threads(args.threads)
    texts = args.text or standard_input()
    translator = load(args.model, cli.pick_device(args.device))
    translations = translator.translate(texts, args.beam, args.alpha)
    rows = [{"source": text, "translation": ours} for text, ours in zip(texts, translations, strict=True)]
    cli.show(rows, args.json, "\n".join(translations))


def standard_input() -> list[str]:
    texts = []
    for number, line in enumerate(sys.stdin.buffer, start=1):  # the bytes: UTF-8 in every locale
        try:
            texts.append(line.decode("utf-8").rstrip("\r\n"))
        except UnicodeDecodeError:
            raise UserError(f"standard input is not UTF-8 in line {number}; give texts as UTF-8") from None
    return texts


def evaluate(args: argparse.Namespace) -> None:
    import time

    from tiny_transformer.metrics import all_scores
    from tiny_transformer.texts import side_by_side

    limit_threads(args.threads)
    pairs = side_by_side(args.source, args.target)
    translator = load(args.model, cli.pick_device(args.device))
    start = time.perf_counter()
    with cli.progress_bar("translate", len(pairs), "text") as bar:
        translations = translator.translate([source for source, _ in pairs], args.beam, args.alpha, tick=bar.update)
    seconds = time.perf_counter() - start
    tokens = sum(len(translator.target_vocabulary.encode(ours)) + 1 for ours in translations)
    found = {"sentences": len(pairs), "beam": args.beam}
    found |= all_scores(translations, [target for _, target in pairs])
    found |= {"seconds": round(seconds, 2), "tokens_per_second": round(tokens / seconds, 1)}
    if args.output:
        write(args.output, "".join(f"{ours}\n" for ours in translations).encode("utf-8"))
    cli.show(
        found,
        args.json,
        f"{len(pairs):,} texts, beam {args.beam}: exact match {found['exact_match']:.2%}, BLEU {found['bleu']:.2f}, "
        f"chrF {found['chrf']:.2f}; {found['tokens_per_second']:,.0f} tokens/s\n{found['signature']}",
    )


def attention(args: argparse.Namespace) -> None:
    from tiny_transformer.attention_page import attention_page
    from tiny_transformer.looking import look
    from tiny_transformer.pictures import attention_png

    found = look(load(args.model, "cpu"), args.text)
    title = f"{args.text} → {found.translation}"
    if args.out.suffix.lower() == ".html":
        page = attention_page(found.source, found.read, found.encoder_LHSS, found.decoder_LHTT, found.cross_LHTS, title,
                              predicted=found.target)  # fmt: skip
        write(args.out, page.encode("utf-8"))
    else:
        write(args.out, attention_png(found.source, found.target, found.cross_LHTS, title))
    cli.show({"source": args.text, "translation": found.translation, "file": args.out}, args.json,
             f"{title}\n{args.out.as_posix()}: written")  # fmt: skip


def load(folder: Path, device: str) -> "Translator":
    from tiny_transformer.run_folder import read_model
    from tiny_transformer.translator import Translator

    model, description = read_model(folder, device)
    return Translator(model, description.source_vocabulary, description.target_vocabulary, device)


# ---- foundations ---------------------------------------------------------------------------------------------------


def ladder(args: argparse.Namespace) -> None:
    from tiny_transformer.foundations.ladder import picture, run_ladder, table
    from tiny_transformer.foundations.names import read_items

    items = read_items(args.data)
    with cli.progress_bar("ladder", None, "step") as bar:

        def progress(rung: str, step: int, steps: int) -> None:
            bar.set_description(rung, refresh=False)
            bar.total, bar.n = steps, step
            bar.update(0)

        rungs = run_ladder(items, args.seed, progress)
    write(args.out, picture(rungs))
    cli.show([rung.as_json() for rung in rungs], args.json, lambda: f"{table(rungs)}\n\n{args.out.as_posix()}: written")


def compare_attention(args: argparse.Namespace) -> None:
    from tiny_transformer.compare_attention import compare, plot, table

    limit_threads(args.threads)
    with user_fault():
        found = compare(args.lengths, args.d_model, args.n_heads, args.batch, args.seed,
                        lambda places: cli.progress(places, unit="length"), backward=args.backward)  # fmt: skip
    write(args.out, plot(found))
    cli.show(found, args.json, lambda: f"{table(found)}\n{args.out.as_posix()}: written")


def read(args: argparse.Namespace) -> None:
    cli.print_reading_path(HERE, READING_PATH, args.json)


# ---- plumbing ------------------------------------------------------------------------------------------------------


def write(path: Path, data: bytes) -> None:
    from tiny_shared.files import atomic_write

    atomic_write(path, data)


@contextlib.contextmanager
def user_fault() -> Iterator[None]:
    """A ValueError in here is about what the user gave."""
    try:
        yield
    except ValueError as error:
        raise UserError(str(error)) from error


def limit_threads(threads: int | None) -> None:
    if threads is not None:
        import torch

        torch.set_num_threads(threads)


def say(text: str) -> None:
    print(text, flush=True)


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def run(arguments: list[str]) -> None:
    """One command of the demonstration, written out as the reader would type it."""
    quoted = (f'"{word}"' if " " in word else word for word in arguments)
    say("$ python main.py " + " ".join(quoted))
    args = parser().parse_args(arguments)
    args.run(args)


def parser() -> cli.Parser:
    top = cli.Parser(prog="main.py", description="The 2017 Transformer by hand, trained, tested and looked into.")
    top.set_defaults(run=demo)
    commands = top.add_subparsers(title="commands (none: the demonstration)", metavar="COMMAND")

    def command(name: str, run: Any, about: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".")
        sub.set_defaults(run=run)
        cli.add_json(sub)
        return sub

    def add_threads(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--threads", type=cli.positive, metavar="N", help="processor threads (default: all cores)")

    def add_model(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--model", type=Path, required=True, metavar="DIR", help="a folder that `train` wrote")

    def add_beam(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--beam", type=cli.positive, default=1, metavar="N", help="hypotheses (default: 1, greedy)")
        sub.add_argument("--alpha", type=not_negative, default=0.6, help="length penalty of the beam (default: 0.6)")
        cli.add_device(sub)
        add_threads(sub)

    sub = command("train", train, "train a model on a task, into a folder that translates and can be resumed")
    sub.add_argument("--task", choices=TASKS, help="what to learn")
    sub.add_argument("--out", type=Path, required=True, metavar="DIR", help="the run's folder")
    sub.add_argument("--resume", action="store_true", help="go on where the run in --out stands")
    group = sub.add_argument_group("texts of --task parallel, one sentence a line, .gz too")
    group.add_argument("--source", type=Path, metavar="FILE")
    group.add_argument("--target", type=Path, metavar="FILE")
    group.add_argument("--tsv", type=Path, metavar="FILE", help="source, tab, target; in place of the two")
    group.add_argument("--valid-source", type=Path, metavar="FILE", help="(default: some of the training texts)")
    group.add_argument("--valid-target", type=Path, metavar="FILE")
    group.add_argument("--valid-tsv", type=Path, metavar="FILE")
    group.add_argument("--vocab-size", type=cli.positive, metavar="N", help="symbols of the joint BPE (default: 6000)")
    group.add_argument("--drop-long", action="store_true", help="leave out pairs of more than --max-len tokens")
    group = sub.add_argument_group("the model (default: what suits the task)")
    for name, about in (
        ("d-model", "features of a position"), ("n-heads", "attention heads"), ("n-layers", "layers of each side"),
        ("d-ff", "inner size of the feed-forward network"), ("max-len", "the most tokens of a text"),
    ):  # fmt: skip
        group.add_argument(f"--{name}", type=cli.positive, metavar="N", help=about)
    group.add_argument("--dropout", type=float, metavar="P", help="on embeddings and what sub-layers add")
    group.add_argument("--inner-dropout", type=float, metavar="P", help="on attention weights, inside feed-forward")
    group.add_argument("--pre-norm", action=argparse.BooleanOptionalAction, help="LayerNorm before each sub-layer")
    group.add_argument("--tie-embeddings", action=argparse.BooleanOptionalAction, help="one table for all three")
    group = sub.add_argument_group("training (default: what suits the task)")
    for name, about in (
        ("epochs", "passes over the data"), ("batch-tokens", "positions a side of a batch"),
        ("warmup-steps", "steps until the highest learning rate"), ("average", "epochs whose weights are averaged"),
        ("score-every", "epochs between two measurements of BLEU or exact match"),
    ):  # fmt: skip
        group.add_argument(f"--{name}", type=cli.positive, metavar="N", help=about)
    group.add_argument("--rate-factor", type=float, metavar="X", help="times the paper's learning rate")
    group.add_argument("--label-smoothing", type=float, metavar="P")
    group.add_argument("--clip-norm", type=float, metavar="X", help="longest gradient")
    group.add_argument("--precision", choices=["auto", "fp32", "bf16"], help="of matrix products; auto: bf16 if native")
    cli.add_seed(sub)
    cli.add_device(sub)
    add_threads(sub)

    sub = command("translate", translate, "translate texts with a trained model")
    sub.add_argument("text", nargs="*", metavar="TEXT", help="(default: the lines of standard input)")
    add_model(sub)
    add_beam(sub)

    sub = command("evaluate", evaluate, "measure a model: exact match, BLEU, chrF, tokens a second")
    add_model(sub)
    sub.add_argument("--source", type=Path, required=True, metavar="FILE", help="one text a line, .gz too")
    sub.add_argument("--target", type=Path, required=True, metavar="FILE", help="what should come out")
    sub.add_argument("--output", type=Path, metavar="FILE", help="write the translations there, too")
    add_beam(sub)

    sub = command("attention", attention, "draw where each head looked while a text was translated")
    sub.add_argument("text", metavar="TEXT")
    add_model(sub)
    sub.add_argument("--out", type=picture, required=True, metavar="FILE", help="FILE.png, or FILE.html to explore")

    sub = command("ladder", ladder, "climb from bigrams to a small Llama on one list of names")
    sub.add_argument(
        "--data", type=Path, default=NAMES, metavar="FILE", help="one item a line (default: invented names in sample/)"
    )
    sub.add_argument("--out", type=png, default=Path("ladder.png"), metavar="FILE.png", help="(default: %(default)s)")
    cli.add_seed(sub, default=1)

    sub = command("compare-attention", compare_attention, "time the same attention written five ways")
    sub.add_argument("--lengths", type=cli.positive, nargs="+", default=[64, 128, 256, 512, 1024], metavar="N")
    sub.add_argument("--d-model", type=cli.positive, default=256, metavar="N")
    sub.add_argument("--n-heads", type=cli.positive, default=8, metavar="N")
    sub.add_argument("--batch", type=cli.positive, default=1, metavar="N")
    sub.add_argument("--backward", action="store_true", help="forward and backward")
    sub.add_argument("--out", type=png, default=Path("compare-attention.png"), metavar="FILE.png")
    cli.add_seed(sub)
    add_threads(sub)

    command("read", read, "list the files to read, in order")
    return top


def not_negative(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number from 0 up (got {text!r})")
    return number


def png(text: str) -> Path:
    if Path(text).suffix.lower() != ".png":
        raise argparse.ArgumentTypeError(f"must end in .png (got {text!r})")
    return Path(text)


def picture(text: str) -> Path:
    if Path(text).suffix.lower() not in (".png", ".html"):
        raise argparse.ArgumentTypeError(f"must end in .png or .html (got {text!r})")
    return Path(text)


def user_errors() -> tuple[type[Exception], ...]:
    """The core's exceptions that the user can put right."""
    from tiny_transformer.problem import Problem

    return (Problem,)


if __name__ == "__main__":
    sys.exit(cli.run(parser(), user_errors=user_errors()))
