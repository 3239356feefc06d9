"""The commands that make an assistant of a base model; main.py adds them to its own. They only wire."""

import argparse
import contextlib
import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiny_shared import UserError, cli

if TYPE_CHECKING:
    from tiny_llama3.align.rollout import Judge
    from tiny_llama3.align.tuning import Method
    from tiny_llama3.model import Llama
    from tiny_llama3.sampling import Sampling
    from tiny_llama3.tokenizer import Tokenizer

TASKS = ("arithmetic", "rewriting", "verses")
POLICIES = ("sft", "lora", "dpo", "ipo", "ppo", "grpo")
BASE_STEPS, BASE_CHATS, BASE_MISTAKES = 600, 40_000, 0.6
FEWEST_CHATS = 3_000  # fewer do not support the vocabulary


# ---- data ----------------------------------------------------------------------------------------------------------


def data_exercises(args: argparse.Namespace) -> None:
    """Chats, pairs, prompts or labelled texts of the built-in tasks, as JSON Lines."""
    from tiny_shared.files import write_jsonl

    if args.kind == "labels":
        from tiny_llama3.tasks.gifts import labelled

        rows: Any = [{"text": text, "label": label} for text, label in
                labelled(args.count, args.language, args.seed, args.split)]  # fmt: skip
    else:
        from tiny_llama3.tasks.exercise import exercises
        from tiny_llama3.tasks.files import as_rows

        made = exercises(args.task, args.language, args.count, args.seed, args.split)
        rows = as_rows(made, args.kind, args.mistakes, args.seed)
    count = write_jsonl(args.out, rows)
    cli.show({"file": args.out, "rows": count}, args.json, f"{args.out.as_posix()}: {count:,} {args.kind}")


def data_show(args: argparse.Namespace) -> None:
    """Chats in tokens, by who is learnt from."""
    from tiny_llama3.align.chat_files import read_chats
    from tiny_llama3.align.show_chat import in_colour, in_marks, tokens_of
    from tiny_llama3.tokenizer import Tokenizer

    tokenizer = Tokenizer.load(args.tokenizer)
    chats = [tokens_of(tokenizer, messages) for messages in read_chats(args.file)[: args.count]]
    written = in_colour if sys.stdout.isatty() else in_marks
    cli.show(chats, args.json, lambda: "\n\n".join(map(written, chats)))


# ---- one method ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Made:
    """A method that is ready to run."""

    method: "Method"
    save: Callable[[], object]
    left_out: int  # examples that were too long
    beside: Callable[[], dict[str, float]] = dict  # what to compare the result with


def tune(args: argparse.Namespace) -> None:
    """Any of the methods: build it, then the loop that they share."""
    from tiny_shared.files import only_one

    from tiny_llama3.align.lora import fingerprint
    from tiny_llama3.align.tuning import Tuner, TuningConfig
    from tiny_llama3.align.tuning_run import TuningRun

    if args.resume:
        restore_arguments(args)
    for name in ("model", "data"):
        if getattr(args, name) is None:
            raise UserError(f"name the {'base model' if name == 'model' else 'file to learn from'} with --{name}")
    args.limit_threads(args.threads)
    device = cli.pick_device(args.device)
    base, tokenizer = opened(args.model, getattr(args, "adapter", None), device)
    description = {"method": args.method, "base": fingerprint(base), "data": sha256(args.data),
                   "arguments": arguments_of(args)}  # fmt: skip
    made = MAKERS[args.method](args, base, tokenizer)
    if made.left_out:
        note(f"{made.left_out:,} examples are longer than {args.sequence} tokens and were left out; see --sequence")
    config = TuningConfig(args.steps, args.learning_rate, seed=args.seed)
    running = TuningRun(args.out, Tuner(made.method, config), args.write, made.save, args.save_every)
    with only_one(args.out, "training"):
        if args.resume:
            running.resume(description)
            note(f"going on at step {running.tuner.step:,} of {config.steps:,}")
        else:
            running.start(description)
        last = watch(running)
    text = f"{args.out.as_posix()}: {config.steps:,} steps in {running.seconds:.0f} s"
    for name, value in last["measured"].items():
        before = last["before"].get(name)
        text += f"\n  {name.replace('_', ' ')}: {'' if before is None else f'{before:.4f} -> '}{value:.4f}"
    beside = made.beside()
    for name, value in beside.items():
        text += f"\n  {name}: {value:.4f}"
    cli.show(last | {"beside": beside} | {"folder": args.out}, args.json, text)


def watch(running: Any) -> dict[str, Any]:
    """Train with a bar on stderr."""
    with cli.progress_bar(running.folder.name, running.tuner.config.steps, "step", initial=running.tuner.step) as bar:

        def on_step(loss: float) -> None:
            shown = {name: f"{value:.3f}" for name, value in running.tuner.method.numbers.items()}
            shown["loss"] = f"{loss:.3f}"
            bar.set_postfix(shown, refresh=False)
            bar.update()

        try:
            last: dict[str, Any] = running.train(on_step)
            return last
        except KeyboardInterrupt:
            note(f"saved at step {running.saved:,}; go on with --resume --out {running.folder.as_posix()}")
            raise


def make_sft(args: argparse.Namespace, base: "Llama", tokenizer: "Tokenizer") -> Made:
    from tiny_llama3.align.chat_files import read_chats
    from tiny_llama3.align.encoded import encode_chats, hold_out
    from tiny_llama3.align.lora import LoraConfig, add_lora, fingerprint, save_adapter
    from tiny_llama3.align.sft import Sft

    chats, left_out = encode_chats(tokenizer, read_chats(args.data), args.sequence)
    train, held_out = hold_out(chats, args.seed)
    save = saver(args, base, tokenizer)
    if args.method == "lora":
        config = LoraConfig(args.rank, args.alpha, tuple(args.layers))
        own = fingerprint(base)
        add_lora(base, config, args.seed)
        save = lambda: save_adapter(args.out, base, config, args.model.resolve().as_posix(), own, args.write)  # noqa: E731
    method = Sft(base, train, held_out, per_step=args.per_step, length=args.sequence, micro_rows=args.micro_rows,
                 seed=args.seed)  # fmt: skip
    return Made(method, save, left_out)


def make_dpo(args: argparse.Namespace, base: "Llama", tokenizer: "Tokenizer") -> Made:
    from tiny_llama3.align.dpo import Dpo

    train, held_out, left_out = pairs_of(args, tokenizer)
    method = Dpo(base, train, held_out, loss=args.loss, beta=args.beta, per_step=args.per_step,
                 micro_pairs=args.micro_rows, seed=args.seed)  # fmt: skip
    return Made(method, saver(args, base, tokenizer), left_out)


def make_reward(args: argparse.Namespace, base: "Llama", tokenizer: "Tokenizer") -> Made:
    from tiny_llama3.align.reward import Reward, set_average
    from tiny_llama3.align.scorer import from_base, save_scorer

    train, held_out, left_out = pairs_of(args, tokenizer)
    scorer = from_base(base, ["reward"])
    method = Reward(scorer, train, held_out, per_step=args.per_step, micro_pairs=args.micro_rows, seed=args.seed)

    def save() -> None:
        set_average(scorer, held_out or train[:100])
        save_scorer(args.out, scorer, tokenizer, args.write)

    return Made(method, save, left_out)


def make_ppo(args: argparse.Namespace, base: "Llama", tokenizer: "Tokenizer") -> Made:
    from tiny_llama3.align.ppo import Ppo
    from tiny_llama3.align.scorer import from_base

    train, held_out, left_out = questions_of(args, tokenizer)
    judge = judge_of(args, tokenizer)
    method = Ppo(base, from_base(base, ["value"]), tokenizer, train, judge, held_out, prompts=args.prompts,
                 epochs=args.epochs, beta=args.beta, clip=args.clip, minibatch=args.micro_rows,
                 max_new_tokens=args.max_new_tokens, seed=args.seed)  # fmt: skip
    return Made(method, saver(args, base, tokenizer), left_out)


def make_grpo(args: argparse.Namespace, base: "Llama", tokenizer: "Tokenizer") -> Made:
    from tiny_llama3.align.grpo import Grpo

    train, held_out, left_out = questions_of(args, tokenizer)
    judge = judge_of(args, tokenizer)
    method = Grpo(base, tokenizer, train, judge, held_out, prompts=args.prompts, group=args.group, epochs=args.epochs,
                  beta=args.beta, clip=args.clip, micro_rows=args.micro_rows, max_new_tokens=args.max_new_tokens,
                  seed=args.seed)  # fmt: skip
    return Made(method, saver(args, base, tokenizer), left_out)


def make_classify(args: argparse.Namespace, base: "Llama", tokenizer: "Tokenizer") -> Made:
    from tiny_llama3.align.chat_files import read_labelled
    from tiny_llama3.align.classify import BagOfWords, Classify, label_names
    from tiny_llama3.align.encoded import hold_out
    from tiny_llama3.align.scorer import from_base, save_scorer

    texts = read_labelled(args.data)
    scorer = from_base(base, label_names(texts))
    train, held_out = hold_out(texts, args.seed)
    method = Classify(scorer, tokenizer, train, held_out, per_step=args.per_step, micro_rows=args.micro_rows,
                      seed=args.seed)  # fmt: skip
    beside = lambda: {"accuracy of counting words": BagOfWords(train).accuracy(held_out)}  # noqa: E731
    return Made(method, lambda: save_scorer(args.out, scorer, tokenizer, args.write), 0, beside)


MAKERS = {"sft": make_sft, "lora": make_sft, "dpo": make_dpo, "reward": make_reward, "ppo": make_ppo,
          "grpo": make_grpo, "classify": make_classify}  # fmt: skip


def pairs_of(args: argparse.Namespace, tokenizer: "Tokenizer") -> tuple[Any, Any, int]:
    from tiny_llama3.align.chat_files import read_pairs
    from tiny_llama3.align.encoded import encode_pairs, hold_out

    pairs, left_out = encode_pairs(tokenizer, read_pairs(args.data), args.sequence)
    return *hold_out(pairs, args.seed), left_out


def questions_of(args: argparse.Namespace, tokenizer: "Tokenizer") -> tuple[Any, Any, int]:
    from tiny_llama3.align.chat_files import read_prompts
    from tiny_llama3.align.encoded import encode_questions, hold_out

    questions, left_out = encode_questions(tokenizer, read_prompts(args.data), args.sequence)
    return *hold_out(questions, args.seed), left_out


def judge_of(args: argparse.Namespace, tokenizer: "Tokenizer") -> "Judge":
    """A built-in task's check, the known answer, or a reward model's folder."""
    from tiny_llama3.align import judges
    from tiny_llama3.align.scorer import load_scorer

    if args.reward in TASKS:
        return judges.checker(args.reward)
    if args.reward == "answer":
        return judges.known_answer()
    folder = Path(args.reward)
    if not folder.is_dir():
        raise UserError(f"--reward must be {', '.join(TASKS)}, answer, or the folder of a reward model (got "
                        f"{args.reward!r})")  # fmt: skip
    scorer, other = load_scorer(folder)
    if other.vocab_size != tokenizer.vocab_size or other.merges != tokenizer.merges:
        raise UserError(f"{args.reward} has another tokenizer than the model; train it from the same base")
    return judges.reward_model(scorer)


def opened(folder: Path, adapter: Path | None, device: str) -> "tuple[Llama, Tokenizer]":
    """A model that knows where an answer ends."""
    import torch

    from tiny_llama3 import hub
    from tiny_llama3.align.lora import load_adapter, merge
    from tiny_llama3.chat_template import turn_end_id
    from tiny_llama3.generate import end_ids

    model, tokenizer = hub.load(folder, device, torch.float32)
    if tokenizer is None:
        raise UserError(f"{folder.as_posix()} has no tokenizer; put its tokenizer.json there")
    if adapter is not None:
        model = merge(load_adapter(model, adapter))
    ends = sorted(end_ids(model) | {turn_end_id(tokenizer)})
    model.config = replace(model.config, eos_token_id=tuple(ends))
    return model, tokenizer


def saver(args: argparse.Namespace, model: "Llama", tokenizer: "Tokenizer") -> Callable[[], object]:
    from tiny_llama3 import hub

    return lambda: hub.save(args.out, model, tokenizer, args.write)


def merge_adapter(args: argparse.Namespace) -> None:
    from tiny_llama3 import hub

    if (args.out / "config.json").exists():
        raise UserError(f"{args.out.as_posix()} holds a model already; name another --out")
    model, tokenizer = opened(args.model, args.adapter, "cpu")
    hub.save(args.out, model, tokenizer, args.write)
    cli.show({"folder": args.out}, args.json, f"{args.out.as_posix()}: the base model with the adapter merged into it")


VOLATILE = {"run", "save_every", "out", "resume", "device", "threads", "json", "debug", "method", "write",
            "limit_threads", "run_command", "defaults"}  # fmt: skip


def arguments_of(args: argparse.Namespace) -> dict[str, Any]:
    return {name: value.resolve().as_posix() if isinstance(value, Path) else value
            for name, value in vars(args).items() if name not in VOLATILE}  # fmt: skip


def restore_arguments(args: argparse.Namespace) -> None:
    """Those that the run began with. Raises UserError for one that was given anew with another value."""
    from tiny_llama3.align.tuning_run import read_description

    kept = read_description(args.out)
    if kept.get("method") != args.method:
        raise UserError(f"{args.out.as_posix()} was begun with {kept.get('method')}, not {args.method}; "
                        "use that command")  # fmt: skip
    for name, value in kept.get("arguments", {}).items():
        given = getattr(args, name, None)
        if given != args.defaults[name] and arguments_of(args)[name] != value:
            raise UserError(f"--{name.replace('_', '-')} can't be changed on --resume; the run goes on as it began")
        setattr(args, name, Path(value) if name in ("model", "data", "adapter") and value else value)


# ---- all methods ---------------------------------------------------------------------------------------------------


def compare_alignment(args: argparse.Namespace) -> None:
    """Every method, every seed, one table and one picture; what is done already is not done again."""
    from tiny_shared.files import only_one, write_jsonl

    from tiny_llama3.align.compare import Comparison, scaled, summary
    from tiny_llama3.align.comparison_table import table
    from tiny_llama3.align.lora import fingerprint
    from tiny_llama3.pictures import comparison_png

    args.limit_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    with only_one(args.out, "comparing"):
        with contextlib.redirect_stdout(sys.stderr):  # stdout is for the result
            folder = args.model or make_base(args)
        base, tokenizer = opened(folder, None, cli.pick_device(args.device))
        comparison = Comparison(base, tokenizer, args.task, args.language, scaled(args.steps_factor))
        about = {"task": args.task, "language": args.language, "base": fingerprint(base),
                 "steps_factor": args.steps_factor}  # fmt: skip
        done = read_results(args.out, about)
        wanted = [(method, seed) for seed in range(args.seeds) for method in ("reward", *args.methods)]
        for method, seed in wanted:
            if any((result.method, result.seed) == (method, seed) for result in done):
                continue
            with cli.progress_bar(f"{method}, seed {seed}", comparison.steps(method, seed), "step") as bar:
                done.append(comparison.run(method, seed, lambda: bar.update()))
            note(f"{method}, seed {seed}: {done[-1].base_score:.1%} -> {done[-1].score:.1%}, "
                 f"{done[-1].seconds:.0f} s")  # fmt: skip
            args.write(args.out / "about.json", (json.dumps(about) + "\n").encode())
            write_jsonl(args.out / "results.jsonl", map(asdict, done))
    results = [result for method, seed in wanted for result in done if (result.method, result.seed) == (method, seed)]
    policies = [line for line in summary(results) if line.method != "reward"]
    written = table(results)
    args.write(args.out / "comparison.md", written.encode())
    args.write(args.out / "comparison.png", comparison_png(policies, f"{args.task}, {args.language}"))
    cli.show({"lines": summary(results), "results": results}, args.json, written.rstrip())


def read_results(folder: Path, about: dict[str, Any]) -> list[Any]:
    from tiny_shared.files import read_jsonl

    from tiny_llama3.align.compare import Result, Sample

    if not (folder / "results.jsonl").exists():
        return []
    kept = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    if kept != about:
        changed = next(name for name in about if kept.get(name) != about[name])
        raise UserError(f"{folder.as_posix()} holds a comparison with another {changed.replace('_', ' ')}; name "
                        "another --out")  # fmt: skip
    return [Result(**(row | {"samples": tuple(Sample(**sample) for sample in row["samples"])}))
            for row in read_jsonl(folder / "results.jsonl")]  # fmt: skip


def make_base(args: argparse.Namespace) -> Path:
    """A model that has read many exercises, most of them done wrong: as from the web, it knows how, but not that."""
    base: Path = args.out / "base"
    data, chats, run = base / "data", base / "chats.jsonl", base / "run"
    steps = str(max(1, round(BASE_STEPS * args.steps_factor)))
    count = str(max(FEWEST_CHATS, round(BASE_CHATS * args.steps_factor)))
    if not (data / "manifest.json").exists():
        args.run_command(["data", "exercises", "--task", args.task, "--language", args.language, "--kind", "chats",
                          "--count", count, "--mistakes", str(BASE_MISTAKES), "--seed", "1000",
                          "--out", chats.as_posix()])  # fmt: skip
        args.run_command(["data", "prepare", chats.as_posix(), "--chats", "--vocab-size", "512", "--valid-share",
                          "0.02", "--name", "exercises", "--out", data.as_posix()])  # fmt: skip
    if not (run / "run.json").exists():
        args.run_command(["pretrain", "--data", data.as_posix(), "--preset", "nano", "--steps", steps,
                          "--evaluate-every", "300", "--out", run.as_posix()])  # fmt: skip
    elif not finished(run):
        args.run_command(["pretrain", "--resume", "--out", run.as_posix()])
    return run


def finished(run: Path) -> bool:
    from tiny_llama3.run_folder import read_description, read_log

    steps = read_description(run).training.steps
    return any(row["step"] == steps and "validation_loss" in row for row in read_log(run))


# ---- talking -------------------------------------------------------------------------------------------------------


def chat(args: argparse.Namespace) -> None:
    """With --message, one reply after the other and an end; without, a conversation in the terminal."""
    from tiny_llama3.chat import Conversation

    args.limit_threads(args.threads)
    model, tokenizer = opened(args.model, args.adapter, cli.pick_device(args.device))
    talk = Conversation(model, tokenizer, args.system, sampling_of(args), args.max_new_tokens, args.seed)
    if args.message:
        replies = []
        for message in args.message:
            live = None if args.json else printed
            replies.append(talk.reply(message, live) if live else talk.reply(message))
            if live:
                print()
        if args.json:
            cli.show(replies, True)
        return
    if args.json:
        raise UserError("--json needs the messages with --message; without them this is a conversation in the terminal")
    note("Write, and end with the return key. /reset begins anew, /quit ends; Ctrl-C stops a reply.")
    converse(talk)


def converse(talk: Any) -> None:
    while True:
        try:
            text = input("you> " if sys.stdin.isatty() else "").strip()
        except EOFError:
            return
        if text in ("/quit", "/exit"):
            return
        if text == "/reset":
            talk.messages.clear()
            note("(begun anew)")
            continue
        if not text:
            continue
        try:
            reply = talk.reply(text, printed)
            print()
            if reply.forgotten:
                note(f"({reply.forgotten} messages at the beginning were forgotten: there is no more room)")
            if reply.finish == "length":
                note("(cut off; --max-new-tokens allows more)")
        except KeyboardInterrupt:
            print()
            note("(stopped)")


def printed(piece: str) -> None:
    print(piece, end="", flush=True)


def sampling_of(args: argparse.Namespace) -> "Sampling":
    from tiny_llama3.sampling import Sampling

    return Sampling(**{each.name: getattr(args, each.name) for each in fields(Sampling)})


# ---- plumbing ------------------------------------------------------------------------------------------------------


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


Command = Callable[[Any, str, Any, str], argparse.ArgumentParser]


def add_data_commands(group: Any, command: Command) -> None:
    sub = command(group, "exercises", data_exercises, "write exercises of a built-in task, with answers, as JSON Lines")
    sub.add_argument("--task", choices=[*TASKS, "all"], default="arithmetic", help="(default: %(default)s)")
    sub.add_argument("--language", choices=["en", "zh", "both"], default="en", help="(default: %(default)s)")
    sub.add_argument("--kind", choices=["chats", "pairs", "prompts", "labels"], default="chats",
                     help="labels: who has the gift, for `classify` (default: %(default)s)")  # fmt: skip
    sub.add_argument("--count", type=cli.positive, default=2000, metavar="N", help="(default: %(default)s)")
    sub.add_argument("--split", choices=["train", "test"], default="train", help="(default: %(default)s)")
    sub.add_argument("--mistakes", type=share, default=0.0, metavar="P", help="share of chats with a wrong answer")
    sub.add_argument("--out", type=Path, required=True, metavar="FILE")
    cli.add_seed(sub)
    sub = command(group, "show", data_show, "show chats in tokens, and which of them are learnt")
    sub.add_argument("file", type=Path, metavar="FILE", help="JSON Lines with messages")
    sub.add_argument("--tokenizer", type=Path, required=True, metavar="PATH", help="tokenizer.json or its folder")
    sub.add_argument("--count", type=cli.positive, default=3, metavar="N", help="of chats (default: %(default)s)")


def share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be from 0 to 1 (got {text})")
    return value


def add_commands(commands: Any, command: Command, add_sampling: Any, add_machine: Any, **hooks: Any) -> None:
    """`hooks` are functions of main.py that these commands call."""

    def method(name: str, about: str, data: str, steps: int, rate: float, rows: int) -> argparse.ArgumentParser:
        sub = command(commands, name, tune, about)
        sub.add_argument("--model", type=Path, metavar="DIR", help="the base: a run, or a Hugging Face folder")
        if name != "lora":
            sub.add_argument("--adapter", type=Path, metavar="DIR", help="merged into the base first")
        sub.add_argument("--data", type=Path, metavar="FILE", help=f"JSON Lines: {data}")
        sub.add_argument("--out", type=Path, required=True, metavar="DIR")
        sub.add_argument("--resume", action="store_true", help="go on where the run in --out stands")
        sub.add_argument("--steps", type=cli.positive, default=steps, metavar="N", help="(default: %(default)s)")
        sub.add_argument("--learning-rate", type=float, default=rate, metavar="X", help="(default: %(default)s)")
        sub.add_argument("--micro-rows", type=cli.positive, default=rows, metavar="N",
                         help="rows that go through the model at once (default: %(default)s)")  # fmt: skip
        if name not in ("ppo", "grpo"):
            sub.add_argument("--per-step", type=cli.positive, default=32, metavar="N",
                             help="examples a step (default: %(default)s)")  # fmt: skip
        sub.add_argument("--sequence", type=cli.positive, default=256, metavar="N",
                         help="longest example, in tokens (default: %(default)s)")  # fmt: skip
        sub.add_argument("--save-every", type=float, default=30.0, metavar="S", help="seconds (default: %(default)s)")
        cli.add_seed(sub)
        add_machine(sub)
        return sub

    made = [method("sft", "fine-tune on chats; only the assistant's tokens count", "messages", 100, 1e-3, 8)]
    sub = method("lora", "the same, but learn only small corrections of the weights", "messages", 100, 5e-3, 8)
    sub.add_argument("--rank", type=cli.positive, default=8, metavar="N", help="(default: %(default)s)")
    sub.add_argument("--alpha", type=float, default=16.0, metavar="X", help="(default: %(default)s)")
    layers = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    sub.add_argument("--layers", nargs="+", default=layers, metavar="NAME", help=f"(default: {' '.join(layers)})")
    made.append(sub)
    sub = method("dpo", "learn from pairs of answers, the better one named", "prompt, chosen, rejected", 100, 3e-4, 16)
    sub.add_argument("--beta", type=float, default=0.1, metavar="X", help="of IPO per token (default: %(default)s)")
    sub.add_argument("--loss", choices=["dpo", "ipo"], default="dpo", help="(default: %(default)s)")
    made.append(sub)
    made.append(method("reward", "train a reward model on pairs", "prompt, chosen, rejected", 100, 1e-3, 16))
    for name, about in (
        ("ppo", "learn from a reward with a critic beside the model"),
        ("grpo", "learn from a reward by comparing several answers to one prompt"),
    ):
        sub = method(name, about, "prompt, perhaps answer; or chats", 60, 3e-4, 32 if name == "ppo" else 64)
        sub.add_argument("--reward", default="answer", metavar="NAME", help=f"{', '.join(TASKS)}: checked; answer: "
                         "the known one; or a reward model's folder (default: %(default)s)")  # fmt: skip
        sub.add_argument("--prompts", type=cli.positive, default=64 if name == "ppo" else 8, metavar="N",
                         help="a step (default: %(default)s)")  # fmt: skip
        if name == "grpo":
            sub.add_argument("--group", type=cli.positive, default=8, metavar="N",
                             help="answers to a prompt (default: %(default)s)")  # fmt: skip
        sub.add_argument("--epochs", type=cli.positive, default=2, metavar="N",
                         help="passes over the answers of a step (default: %(default)s)")  # fmt: skip
        sub.add_argument("--clip", type=float, default=0.2, metavar="X", help="(default: %(default)s)")
        beta = 0.05 if name == "ppo" else 0.02
        sub.add_argument("--beta", type=float, default=beta, metavar="X", help="of the KL (default: %(default)s)")
        sub.add_argument("--max-new-tokens", type=cli.positive, default=64, metavar="N", help="(default: %(default)s)")
        made.append(sub)
    made.append(method("classify", "train a classifier on labelled texts", "text, label", 100, 1e-3, 32))
    for sub in made:
        defaults = {action.dest: action.default for action in sub._actions}
        sub.set_defaults(method=sub.prog.split()[-1], defaults=defaults, **hooks)

    sub = command(commands, "merge", merge_adapter, "add a LoRA adapter to its base model")
    sub.add_argument("--model", type=Path, required=True, metavar="DIR")
    sub.add_argument("--adapter", type=Path, required=True, metavar="DIR")
    sub.add_argument("--out", type=Path, required=True, metavar="DIR")
    sub.set_defaults(**hooks)

    sub = command(
        commands, "compare-alignment", compare_alignment, "every method from one base on one task, in a table"
    )
    sub.add_argument("--out", type=Path, required=True, metavar="DIR")
    sub.add_argument("--model", type=Path, metavar="DIR", help="the base (default: one is trained in --out)")
    sub.add_argument("--task", choices=TASKS, default="arithmetic", help="(default: %(default)s)")
    sub.add_argument("--language", choices=["en", "zh", "both"], default="en", help="(default: %(default)s)")
    sub.add_argument("--seeds", type=cli.positive, default=3, metavar="N", help="(default: %(default)s)")
    sub.add_argument("--methods", nargs="+", choices=[*POLICIES, "ppo-rm"], default=list(POLICIES), metavar="NAME",
                     help=f"(default: {' '.join(POLICIES)})")  # fmt: skip
    sub.add_argument("--steps-factor", type=float, default=1.0, metavar="X", help="longer or shorter than usual")
    add_machine(sub)
    sub.set_defaults(**hooks)

    sub = command(commands, "chat", chat, "talk with a model in the terminal")
    sub.add_argument("--model", type=Path, required=True, metavar="DIR", help="a run, or a Hugging Face folder")
    sub.add_argument("--adapter", type=Path, metavar="DIR", help="merged into it first")
    sub.add_argument("--system", metavar="TEXT", help="what the model is told beforehand")
    sub.add_argument("--message", action="append", metavar="TEXT", help="instead of asking; may be repeated")
    add_sampling(sub)
    cli.add_seed(sub)
    add_machine(sub)
    sub.set_defaults(**hooks)
