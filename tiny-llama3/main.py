"""tiny-llama3 on the command line; without a command it runs the offline demonstration.

This file only wires: parse, call, show. The lesson is in tiny_llama3/; `python main.py read` lists it in order.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiny_shared import UserError, cli

import alignment
import making
import serving

if TYPE_CHECKING:
    from tqdm import tqdm

    from tiny_llama3.presets import Preset
    from tiny_llama3.run import Run
    from tiny_llama3.sampling import Sampling
    from tiny_llama3.training import TrainingConfig

HERE = Path(__file__).resolve().parent
READING_PATH = [
    "tiny_llama3/bpe.py",
    "tiny_llama3/rope.py",
    "tiny_llama3/attention.py",
    "tiny_llama3/model.py",
    "tiny_llama3/schedule.py",
    "tiny_llama3/training.py",
    "tiny_llama3/generate.py",
]
PRESET_NAMES = ("nano", "micro", "15M", "42M", "110M")
DEMO_STORIES, DEMO_STEPS = 20_000, 400


# ---- demonstration -------------------------------------------------------------------------------------------------


def demo(args: argparse.Namespace) -> None:
    """From raw text to a model that writes, in under three minutes; the steps are commands that the reader can type."""
    from tiny_llama3 import hub
    from tiny_llama3.sampling import Sampling
    from tiny_llama3.stories import log2_probability, stories
    from tiny_llama3.writing import write_on

    folder = demo_folder().as_posix()
    say("A Llama 3 learns to write, from raw text on: tokenizer, data, model, training, all by hand.")
    run(["data", "prepare", "--stories", "en", "--count", str(DEMO_STORIES), "--vocab-size", "512",
         "--valid-share", "0.03", "--out", f"{folder}/data"])  # fmt: skip
    run(["tokenizer", "show", "the rabbit", "--tokenizer", f"{folder}/data"])
    run(["pretrain", "--data", f"{folder}/data", "--preset", "nano", "--steps", str(DEMO_STEPS),
         "--evaluate-every", "50", "--out", f"{folder}/run"])  # fmt: skip
    run(["check-run", f"{folder}/run"])
    model, tokenizer = hub.load(f"{folder}/run")
    if tokenizer is None:
        raise UserError(f"{folder}/run has lost its tokenizer; run the demonstration again")
    texts = [text.text for text in write_on(model, tokenizer, [""] * 20, 200, Sampling(temperature=0.7), seed=1)]
    known = set(stories("en", DEMO_STORIES))
    coherent = [text for text in texts if text not in known and log2_probability(text, "en") is not None]
    new = len(set(texts) - known)
    say(f"\nIt wrote 20 stories; {new} of them are new, and {len(coherent)} are new and coherent: the grammar could")
    say("have made them, with every name, pronoun and colour in its place.")
    for text in coherent[:3]:
        say(f"  {text}")
    say(f'\nNow yours:\n  python main.py generate "Once there was a" --model {folder}/run --temperature 0.7')
    say(f'  python main.py trace "the rabbit" --model {folder}/run')


def demo_folder() -> Path:
    """runs/demo, emptied; where the current folder can't be written to, a temporary one."""
    folder = Path("runs", "demo")
    try:
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="tiny-llama3-"))
    return folder


# ---- tokenizer -----------------------------------------------------------------------------------------------------


def tokenizer_train(args: argparse.Namespace) -> None:
    from tiny_llama3.documents import read_documents

    texts = read_documents(args.files, args.field, args.separate)
    tokenizer = trained_tokenizer(texts, args.vocab_size, args.processes)
    tokenizer.save(args.out, write)
    result = {"vocab_size": tokenizer.vocab_size, "with_special": len(tokenizer), "file": file_in(args.out)}
    cli.show(result, args.json, f"{file_in(args.out)}: {tokenizer.vocab_size:,} tokens, and {len(tokenizer.special)} "
             "special ones")  # fmt: skip


def file_in(out: Path) -> str:
    return (out if out.suffix == ".json" else out / "tokenizer.json").as_posix()


def trained_tokenizer(texts: Any, vocab_size: int, processes: int) -> Any:
    from tiny_llama3.tokenizer import Tokenizer

    with cli.progress_bar("merges", vocab_size - 256, "merge") as bar:

        def progress(done: int, total: int) -> None:
            bar.update(done - bar.n)

        return Tokenizer.train(texts, vocab_size, processes=processes, progress=progress)


def tokenizer_encode(args: argparse.Namespace) -> None:
    from tiny_llama3.tokenizer import Tokenizer

    ids = Tokenizer.load(args.tokenizer).encode(given_text(args), allowed_special="all" if args.special else ())
    cli.show(ids, args.json, " ".join(map(str, ids)))


def tokenizer_decode(args: argparse.Namespace) -> None:
    from tiny_llama3.tokenizer import Tokenizer

    text = Tokenizer.load(args.tokenizer).decode(args.ids)
    cli.show(text, args.json, text)


def tokenizer_show(args: argparse.Namespace) -> None:
    from tiny_llama3.show_merges import format_merges, show_merges
    from tiny_llama3.tokenizer import Tokenizer

    tokenizer = Tokenizer.load(args.tokenizer)
    shown = show_merges(tokenizer, given_text(args), allowed_special="all" if args.special else ())
    rows = [{"pretoken": one.pretoken, "ids": one.ids, "merges": [step.rank for step in one.steps]} for one in shown]
    cli.show(rows, args.json, lambda: format_merges(shown))


def given_text(args: argparse.Namespace) -> str:
    """The argument, or all of standard input."""
    if args.text is not None:
        return str(args.text)
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError:
        raise UserError("standard input is not UTF-8; give text as UTF-8") from None


# ---- data ----------------------------------------------------------------------------------------------------------


def data_prepare(args: argparse.Namespace) -> None:
    from tiny_llama3.shards import prepare
    from tiny_llama3.tokenizer import Tokenizer

    if (args.stories is None) == (not args.files):
        raise UserError("name the files to prepare, or the built-in text with --stories en, zh or both")
    about: dict[str, Any] = {"name": args.name} if args.name else {}
    texts: Sequence[str] | None = None
    if args.stories:
        from tiny_llama3.stories import floor_bits_per_byte, stories

        texts = stories(args.stories, args.count, args.seed)
        floor = floor_bits_per_byte(args.stories, texts)
        about = {"name": f"stories-{args.stories}", "floor_bits_per_byte": floor} | about
    if args.tokenizer:
        tokenizer = Tokenizer.load(args.tokenizer)
    else:
        contents = chat_contents(args) if args.chats else documents(args, texts)
        tokenizer = trained_tokenizer(contents, args.vocab_size, args.processes)
    with cli.progress_bar("characters", None, "B") as bar:
        manifest = prepare(
            documents(args, texts), tokenizer, args.out, write,
            valid_share=args.valid_share, split=args.split, processes=args.processes, about=about,
            tick=lambda characters: bar.update(characters), chats=args.chats,
        )  # fmt: skip
    lines = [f"{args.out.as_posix()}: {manifest['vocab_size']:,} tokens in the vocabulary"]
    for name in ("train", "valid"):
        side = manifest[name]
        lines.append(f"  {name}: {side['documents']:,} documents, {side['tokens']:,} tokens, "
                     f"{side['bytes'] / side['tokens']:.2f} bytes a token")  # fmt: skip
    cli.show(manifest, args.json, "\n".join(lines))


def documents(args: argparse.Namespace, texts: Sequence[str] | None) -> Iterator[str]:
    from tiny_llama3.documents import read_documents

    if args.chats:
        return chat_documents(args)
    return iter(texts) if texts is not None else read_documents(args.files, args.field, args.separate)


def chat_documents(args: argparse.Namespace) -> Iterator[str]:
    from tiny_llama3.align.chat_files import read_chats
    from tiny_llama3.chat_template import to_json

    return (to_json(chat) for file in args.files for chat in read_chats(file))


def chat_contents(args: argparse.Namespace) -> Iterator[str]:
    """What a tokenizer learns from: the special tokens are not text."""
    from tiny_llama3.align.chat_files import read_chats

    return (message.content for file in args.files for chat in read_chats(file) for message in chat)


def data_download(args: argparse.Namespace) -> None:
    from tiny_shared.download import download, hub_url

    from tiny_llama3.corpora import CORPORA, download_corpus

    paths = download_corpus(
        args.name, args.out, lambda url, path, licence: download(url, path, licence=licence),
        lambda repo, file: hub_url(repo, file, source=args.source, kind="dataset"), args.base,
    )  # fmt: skip
    corpus, folder = CORPORA[args.name], args.out.as_posix()
    options = f"--field {corpus.field} --split {corpus.split} --valid-share {corpus.valid_share}"
    if corpus.separate != "file":
        options += f' --separate "{corpus.separate}"'
    cli.show([path.as_posix() for path in paths], args.json,
             f"{len(paths)} files in {folder}\nNext: python main.py data prepare {folder} {options} --name {args.name} "
             f"--out {folder}-data")  # fmt: skip


# ---- training ------------------------------------------------------------------------------------------------------


def pretrain(args: argparse.Namespace) -> None:
    from tiny_shared.files import only_one

    from tiny_llama3 import data_parallel
    from tiny_llama3.plan import how_far_off

    limit_threads(args.threads)
    device = cli.pick_device(args.device)
    if data_parallel.started_by_torchrun():
        data_parallel.join(device)
    try:
        if data_parallel.rank() > 0:
            (resumed(args, device) if args.resume else begun(args, device)).train()
            return
        with only_one(args.out, "training"):
            running = resumed(args, device) if args.resume else begun(args, device)
            last = watch(running)
    finally:
        data_parallel.leave()
    seconds, tokens = running.seconds, running.description.training.tokens_per_step * running.trainer.step
    planned = how_far_off(running.description.plan, seconds, tokens / max(seconds, 1e-9))
    sample = f"\n  {last['sample']!r}"
    cli.show(last | {"folder": args.out, "plan": running.description.plan}, args.json,
             f"{args.out.as_posix()}: {tokens:,} tokens in {seconds:.0f} s; validation loss "
             f"{last['validation_loss']:.4f} nats a token, {last['bits_per_byte']:.4f} bits a byte"
             f"{sample}\n{planned}".rstrip())  # fmt: skip


def begun(args: argparse.Namespace, device: str) -> "Run":
    from tiny_llama3.plan import make_plan
    from tiny_llama3.run import Data, Run, new_trainer
    from tiny_llama3.run_folder import Description
    from tiny_llama3.shards import read_manifest

    if (args.out / "run.json").exists():
        folder = args.out.as_posix()
        raise UserError(f"{folder} holds a run already; go on with: python main.py pretrain --resume --out {folder}; "
                        "or name another --out")  # fmt: skip
    if args.data is None:
        raise UserError("name the data with --data DIR; `data prepare` makes it")
    data = Data.open(args.data)
    name, preset = shape(args)
    training = training_of(args, preset, device)
    model = preset.config_for(data.tokenizer, positions(args, training.sequence))
    settings = {"folder": args.data.resolve().as_posix(), "digest": data.digest,
                "about": read_manifest(args.data)["about"]}  # fmt: skip
    description = Description(name, model, training, settings, args.prompt, {})
    trainer = new_trainer(description, data, device)
    plan = make_plan(trainer, None if args.minutes else training.steps, args.minutes)
    training = replace(training, steps=plan.steps, warmup_steps=min(training.warmup_steps, plan.steps))
    note(plan_in_words(plan.numbers()))
    description = replace(description, training=training, plan=plan.numbers())
    return Run.start(args.out, description, data, write, device, plan.peak_flops, trainer)


def resumed(args: argparse.Namespace, device: str) -> "Run":
    from tiny_llama3.run import Data, Run
    from tiny_llama3.run_folder import read_description

    kept = {"out", "resume", "device", "threads", "json", "run", "debug", "data"}
    untouched = vars(parser().parse_args(["pretrain", "--out", str(args.out)]))
    for name, value in vars(args).items():
        if name not in kept and value != untouched[name]:
            raise UserError(f"--{name.replace('_', '-')} can't be changed on --resume; the run goes on as it began")
    description = read_description(args.out)
    folder = args.data or Path(description.data["folder"])
    running = Run.resume(args.out, Data.open(folder), write, device, description.plan.get("peak_flops", float("nan")))
    note(f"going on at step {running.trainer.step:,} of {description.training.steps:,}")
    return running


def shape(args: argparse.Namespace) -> "tuple[str, Preset]":
    from tiny_llama3.presets import PRESETS, from_depth

    if args.depth is not None:
        return f"depth {args.depth}", from_depth(args.depth)
    return args.preset or "nano", PRESETS[args.preset or "nano"]


def training_of(args: argparse.Namespace, preset: "Preset", device: str) -> "TrainingConfig":
    """What the user set; the rest is the preset's."""
    from tiny_llama3.training import TrainingConfig

    given = {each.name: getattr(args, each.name, None) for each in fields(TrainingConfig)}
    chosen = {name: value for name, value in given.items() if value not in (None, "auto")}
    return preset.training(device, **(chosen | {"compile": compiles(args.compile, preset, device)}))


def compiles(asked: bool | None, preset: "Preset", device: str) -> bool:
    """Unless told: where it gains more than it costs, and where a compiler is there."""
    wanted = asked if asked is not None else preset.compiling_pays
    there = device.startswith("cuda") or any(
        shutil.which(os.environ.get("CXX", name)) for name in ("g++", "clang++", "c++")
    )
    if wanted and not there:
        note("no C++ compiler found, so torch.compile is left out; training takes about a fifth longer")
    return wanted and there


def watch(running: "Run") -> dict[str, Any]:
    """Train with a bar on stderr, and a line and a picture for every evaluation."""
    steps = running.description.training.steps
    board = tensorboard(running.folder)
    with cli.progress_bar(running.description.name, steps, "step", initial=running.trainer.step) as bar:

        def on_step(loss: float) -> None:
            bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
            bar.update()

        def on_row(row: dict[str, Any]) -> None:
            if board is not None:
                for name, value in row.items():
                    if isinstance(value, float | int) and name not in ("step", "tokens", "seconds"):
                        board.add_scalar(name, value, row["step"])
            if "validation_loss" in row:
                above(bar, f"{row['seconds']:7.0f} s  step {row['step']:,}: {row['validation_loss']:.4f} nats a token, "
                      f"{row['bits_per_byte']:.4f} bits a byte  {row['sample'][:60]!r}")  # fmt: skip
                draw_loss(running)

        try:
            return running.train(on_step, on_row)
        except KeyboardInterrupt:
            folder = running.folder.as_posix()
            above(bar, f"saved at step {running.saved:,}; go on with: python main.py pretrain --resume --out {folder}")
            raise
        finally:
            if board is not None:
                board.close()


def tensorboard(folder: Path) -> Any:
    """A writer, if TensorBoard is installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder / "tensorboard"))


def draw_loss(running: "Run") -> None:
    from tiny_llama3.check_run import nearest_reference
    from tiny_llama3.pictures import loss_png

    description = running.description
    about = description.data.get("about", {})
    reference = nearest_reference(description)
    write(running.folder / "loss.png", loss_png(running.rows, f"{description.name} on {about.get('name', 'your text')}",
          about.get("floor_bits_per_byte"), reference.points if reference else ()))  # fmt: skip


def above(bar: "tqdm[Any]", line: str) -> None:
    """A line above the bar; in a log file, where the bar hardly ever speaks, it would only stand in the way."""
    if sys.stderr.isatty():
        bar.write(line, sys.stderr)
    else:
        note(line)


def positions(args: argparse.Namespace, sequence: int) -> int:
    """Of the longest text that the model will take: a row's, or more if that was asked for."""
    if args.positions and args.positions < sequence:
        raise UserError(f"--positions {args.positions} is less than a row of {sequence}; see --sequence")
    return args.positions or sequence


def plan(args: argparse.Namespace) -> None:
    from tiny_llama3.plan import make_plan, memory
    from tiny_llama3.run import Data, new_trainer
    from tiny_llama3.run_folder import Description

    limit_threads(args.threads)
    device = cli.pick_device(args.device)
    data = Data.open(args.data)
    name, preset = shape(args)
    training = training_of(args, preset, device)
    model = preset.config_for(data.tokenizer, positions(args, training.sequence))
    trainer = new_trainer(Description(name, model, training, {}, "", {}), data, device)
    made = make_plan(trainer, None if args.minutes else training.steps, args.minutes)
    parts = {what: round(size / 1e6, 1) for what, size in memory(model, training).items()}
    lines = [plan_in_words(made.numbers()), *(f"  {size:9,.1f} MB  {what}" for what, size in parts.items() if size)]
    cli.show(made.numbers() | {"memory_parts_mb": parts}, args.json, "\n".join(lines))


def plan_in_words(numbers: dict[str, float]) -> str:
    peak = numbers["peak_flops"] / 1e9
    return (
        f"plan: {numbers['parameters']:,} parameters, about {numbers['memory_mb']:,.0f} MB; "
        f"{numbers['tokens_per_s']:,.0f} tokens/s ({numbers['mfu']:.0%} of this machine's {peak:,.0f} GFLOP/s); "
        f"{numbers['steps']:,} steps, {numbers['tokens']:,} tokens, {numbers['epochs']:.2f} epochs: "
        f"{numbers['seconds']:,.0f} s"
    )


def check_run(args: argparse.Namespace) -> None:
    from tiny_llama3.check_run import check, in_words, references, verdict
    from tiny_llama3.run_folder import read_description, read_log

    findings = check(read_log(args.folder), read_description(args.folder), references())
    cli.show({"verdict": verdict(findings), "findings": findings}, args.json, lambda: in_words(findings))


# ---- using a model -------------------------------------------------------------------------------------------------


def generate(args: argparse.Namespace) -> None:
    from tiny_llama3 import hub
    from tiny_llama3.writing import write_on

    limit_threads(args.threads)
    sampling = sampling_of(args)
    model, tokenizer = hub.load(args.model, cli.pick_device(args.device))
    if tokenizer is None:
        raise UserError(f"{args.model.as_posix()} has no tokenizer; put its tokenizer.json there")
    prompts = args.prompt or [""]
    live = len(prompts) == 1 and not args.json
    if live:
        print(prompts[0], end="", flush=True)
    texts = write_on(model, tokenizer, prompts, args.max_new_tokens, sampling, stops=args.stop, seed=args.seed,
                     on_text=lambda row, piece: print(piece, end="", flush=True) if live else None)  # fmt: skip
    if live:
        print()
    else:
        cli.show(texts, args.json, "\n\n".join(text.prompt + text.text for text in texts))


def sampling_of(args: argparse.Namespace) -> "Sampling":
    from tiny_llama3.sampling import Sampling

    return Sampling(**{each.name: getattr(args, each.name) for each in fields(Sampling)})


def trace(args: argparse.Namespace) -> None:
    from tiny_llama3 import hub
    from tiny_llama3.trace import as_dicts, format_trace
    from tiny_llama3.trace import trace as all_steps

    model, tokenizer = hub.load(args.model)
    if tokenizer is None:
        raise UserError(f"{args.model.as_posix()} has no tokenizer; put its tokenizer.json there")
    bos = [] if tokenizer.bos_id is None else [tokenizer.bos_id]
    name_of = lambda id: tokenizer.decode([id]) if id < len(tokenizer) else f"<{id}>"  # noqa: E731
    found = all_steps(model, [*bos, *tokenizer.encode(args.text)], name_of, args.layers)
    cli.show(as_dicts(found), args.json, lambda: format_trace(found))


def read(args: argparse.Namespace) -> None:
    cli.print_reading_path(HERE, READING_PATH, args.json)


# ---- plumbing ------------------------------------------------------------------------------------------------------


def write(path: Path, data: bytes) -> None:
    from tiny_shared.files import atomic_write

    atomic_write(path, data)


def limit_threads(threads: int | None) -> None:
    """Of PyTorch and of NumPy, which reads the variable when it is imported."""
    if threads is not None:
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            os.environ[name] = str(threads)
        import torch

        torch.set_num_threads(threads)


def say(text: str) -> None:
    print(text, flush=True)


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def run(arguments: list[str]) -> None:
    """One command of the demonstration, written out as the reader would type it."""
    quoted = (f'"{word}"' if " " in word else word for word in arguments)
    say("\n$ python main.py " + " ".join(quoted))
    args = parser().parse_args(arguments)
    args.run(args)


def parser() -> cli.Parser:
    top = cli.Parser(prog="main.py", description="Llama 3 by hand: tokenizer, data, pretraining, generation.")
    top.set_defaults(run=demo)
    commands = top.add_subparsers(title="commands (none: the demonstration)", metavar="COMMAND")

    def command(group: Any, name: str, run: Any, about: str) -> argparse.ArgumentParser:
        sub: argparse.ArgumentParser = group.add_parser(
            name, help=about, description=about[0].upper() + about[1:] + "."
        )
        sub.set_defaults(run=run)
        cli.add_json(sub)
        return sub

    def family(name: str, about: str) -> Any:
        sub = commands.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".")
        return sub.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add_files(sub: argparse.ArgumentParser, count: str) -> None:
        sub.add_argument("files", type=Path, nargs=count, metavar="FILE", help=".txt .md .jsonl .json, .gz, or folders")
        sub.add_argument("--field", default="text", metavar="NAME", help="of JSON objects; several with commas")
        about = "what a text file holds: file (one document), line, blank, or the marker between them"
        sub.add_argument("--separate", default="file", metavar="HOW", help=about)
        sub.add_argument("--vocab-size", type=cli.positive, default=4096, metavar="N", help="(default: %(default)s)")
        sub.add_argument("--processes", type=cli.positive, default=1, metavar="N", help="(default: %(default)s)")

    def add_tokenizer(sub: argparse.ArgumentParser, required: bool = True) -> None:
        sub.add_argument("--tokenizer", type=Path, required=required, metavar="PATH", help="tokenizer.json, "
                         "tokenizer.model, or a folder with one")  # fmt: skip

    def add_sampling(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--max-new-tokens", type=cli.positive, default=200, metavar="N", help="(default: %(default)s)")
        sub.add_argument(
            "--temperature", type=float, default=0.0, metavar="X", help="0: the most likely token (default)"
        )
        sub.add_argument("--top-k", type=int, default=0, metavar="N", help="0: all (default)")
        sub.add_argument("--top-p", type=float, default=1.0, metavar="P", help="(default: 1)")
        sub.add_argument("--min-p", type=float, default=0.0, metavar="P", help="(default: 0)")
        sub.add_argument("--repetition-penalty", type=float, default=1.0, metavar="X", help="(default: 1)")

    def add_machine(sub: argparse.ArgumentParser) -> None:
        cli.add_device(sub)
        sub.add_argument("--threads", type=cli.positive, metavar="N", help="processor threads (default: all cores)")

    group = family("tokenizer", "train a tokenizer, use it, look into it")
    sub = command(group, "train", tokenizer_train, "learn a byte-level BPE vocabulary from texts")
    add_files(sub, "+")
    sub.add_argument("--out", type=Path, required=True, metavar="PATH", help="a folder, or a file that ends in .json")
    for name, run_it, about in (
        ("encode", tokenizer_encode, "turn a text into ids"),
        ("show", tokenizer_show, "show how a text merges, step by step"),
    ):
        sub = command(group, name, run_it, about)
        sub.add_argument("text", nargs="?", metavar="TEXT", help="(default: standard input)")
        add_tokenizer(sub)
        sub.add_argument("--special", action="store_true", help="names of special tokens count as such")
    sub = command(group, "decode", tokenizer_decode, "turn ids into their text")
    sub.add_argument("ids", type=int, nargs="+", metavar="ID")
    add_tokenizer(sub)

    group = family("data", "prepare texts for training, download some")
    sub = command(group, "prepare", data_prepare, "tokenise texts into shards, with a split for validation")
    add_files(sub, "*")
    sub.add_argument("--stories", choices=["en", "zh", "both"], help="the built-in stories instead of files")
    sub.add_argument(
        "--count", type=cli.positive, default=20_000, metavar="N", help="of stories (default: %(default)s)"
    )
    add_tokenizer(sub, required=False)
    sub.add_argument("--out", type=Path, required=True, metavar="DIR")
    sub.add_argument("--name", help="of the corpus, by which a reference run is found")
    sub.add_argument("--split", choices=["hash", "tail"], default="hash", help="hash of a document, or the end of all")
    sub.add_argument("--valid-share", type=float, default=0.05, metavar="P", help="(default: %(default)s)")
    cli.add_seed(sub)
    sub.add_argument("--chats", action="store_true", help="the files are JSON Lines of chats, to be read as such")
    alignment.add_data_commands(group, command)
    making.add_command(group, command)
    sub = command(group, "download", data_download, "fetch a corpus: tinystories, tinyshakespeare, tang")
    sub.add_argument("name", metavar="NAME")
    sub.add_argument("--out", type=Path, required=True, metavar="DIR")
    sub.add_argument("--from", dest="source", choices=["hf", "modelscope"], default="hf", help="(default: hf)")
    sub.add_argument("--base", metavar="URL", help="of a mirror of raw.githubusercontent.com")

    sub = command(commands, "pretrain", pretrain, "train a model, into a folder that other software loads")
    sub.add_argument("--out", type=Path, required=True, metavar="DIR", help="the run's folder")
    sub.add_argument("--resume", action="store_true", help="go on where the run in --out stands")
    sub.add_argument("--prompt", default="", metavar="TEXT", help="of the sample at every evaluation")
    add_training(sub, required=False)
    add_machine(sub)
    sub = command(commands, "plan", plan, "predict memory, speed and time of a run on this machine")
    add_training(sub, required=True)
    add_machine(sub)
    sub = command(commands, "check-run", check_run, "say whether a run is normal")
    sub.add_argument("folder", type=Path, metavar="RUN")

    sub = command(commands, "generate", generate, "write on from prompts")
    sub.add_argument("prompt", nargs="*", metavar="PROMPT", help="(default: one that is empty)")
    sub.add_argument("--model", type=Path, required=True, metavar="DIR", help="a run, or a Hugging Face folder")
    add_sampling(sub)
    sub.add_argument("--stop", action="append", default=[], metavar="TEXT", help="ends the text; may be repeated")
    cli.add_seed(sub)
    add_machine(sub)
    alignment.add_commands(commands, command, add_sampling, add_machine, write=write, limit_threads=limit_threads,
                           run_command=run)  # fmt: skip
    serving.add_command(commands, command, add_machine)
    sub = command(commands, "trace", trace, "print every tensor between a text and its next token")
    sub.add_argument("text", metavar="TEXT")
    sub.add_argument("--model", type=Path, required=True, metavar="DIR")
    sub.add_argument("--layers", type=int, nargs="+", metavar="N", help="in detail (default: all)")

    command(commands, "read", read, "list the files to read, in order")
    return top


def add_training(sub: argparse.ArgumentParser, required: bool) -> None:
    sub.add_argument("--data", type=Path, required=required, metavar="DIR", help="what `data prepare` made")
    size = sub.add_mutually_exclusive_group()
    size.add_argument("--preset", choices=PRESET_NAMES, help="the shape (default: nano)")
    size.add_argument(
        "--depth", type=cli.positive, metavar="N", help="so many layers, and all else that goes with them"
    )
    length = sub.add_mutually_exclusive_group()
    length.add_argument("--steps", type=cli.positive, metavar="N", help="(default: 1000)")
    length.add_argument("--minutes", type=float, metavar="M", help="as many steps as fit, by measuring a few")
    group = sub.add_argument_group("training (default: what suits the shape)")
    for name, about in (
        ("sequence", "positions of a row"), ("batch-rows", "rows of a step"),
        ("positions", "longest text the model will take; more than a row where fine-tuning has longer ones"),
        ("micro-rows", "rows at once; gradients are accumulated"), ("warmup-steps", "until the highest learning rate"),
        ("evaluate-every", "steps between evaluations"),
    ):  # fmt: skip
        group.add_argument(f"--{name}", type=cli.positive, metavar="N", help=about)
    group.add_argument("--optimizer", choices=["muon", "adamw"])
    group.add_argument("--learning-rate", type=float, metavar="X", help="of AdamW (default: 0.003)")
    group.add_argument("--muon-rate", type=float, metavar="X", help="of Muon (default: 0.02)")
    group.add_argument("--weight-decay", type=float, metavar="X")
    group.add_argument("--schedule", choices=["wsd", "cosine"])
    group.add_argument("--decay-share", type=float, metavar="P", help="of the steps, in which wsd falls (default: 0.5)")
    group.add_argument("--final-share", type=float, metavar="P", help="of the highest rate, at the end (default: 0)")
    group.add_argument("--clip-norm", type=float, metavar="X", help="longest gradient (default: 1)")
    group.add_argument("--precision", choices=["auto", "fp32", "bf16"], help="of products; auto: bf16 if native")
    group.add_argument(
        "--compile", action=argparse.BooleanOptionalAction, help="with torch.compile (default: if it pays)"
    )
    group.add_argument("--checkpoint-activations", action=argparse.BooleanOptionalAction, help="less memory, more time")
    group.add_argument("--document-mask", action=argparse.BooleanOptionalAction, help="documents don't see each other")
    cli.add_seed(sub)


def user_errors() -> tuple[type[Exception], ...]:
    """The core's exceptions that the user can put right."""
    from tiny_llama3.problem import Problem

    return (Problem,)


if __name__ == "__main__":
    sys.exit(cli.run(parser(), user_errors=user_errors()))
