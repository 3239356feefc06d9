"""qwen-blog on the command line; without a command it runs the offline demonstration.

This file only wires: parse, call, show. The lesson is in qwen_blog/; `python main.py read` lists it in order.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiny_shared import UserError, cli

if TYPE_CHECKING:
    from qwen_blog.sampling import Sampling
    from qwen_blog.trace import Journey

HERE = Path(__file__).resolve().parent
SHIPPED = HERE / "checkpoints" / "tiny-qwen2"
READING_PATH = [
    "qwen_blog/rmsnorm.py",
    "qwen_blog/rope.py",
    "qwen_blog/attention.py",
    "qwen_blog/mlp.py",
    "qwen_blog/experts.py",
    "qwen_blog/model.py",
    "qwen_blog/qwen3.py",
    "qwen_blog/generate.py",
]
# what `download` knows; each is one safetensors file, under Apache 2.0
REPOSITORIES = {"Qwen2.5-0.5B-Instruct": "Qwen/Qwen2.5-0.5B-Instruct", "Qwen3-0.6B": "Qwen/Qwen3-0.6B"}
FILES = ("tokenizer.json", "tokenizer_config.json", "generation_config.json", "model.safetensors", "config.json")
LICENCE = "Apache License 2.0, by Alibaba Cloud: see the LICENSE file of the repository"
QUESTION = "The blue lamp belongs to Mara. The red cup belongs to Tom. Who owns the blue lamp?"
TEXT = "The blue lamp belongs to Mara. The red cup belongs to Tom. The blue lamp belongs to"


# ---- demonstration -------------------------------------------------------------------------------------------------


def demo(args: argparse.Namespace) -> None:
    """Ask the shipped model, look for the head that found the answer, and travel through a forward pass."""
    from qwen_blog.hub import load
    from qwen_blog.induction import induction_scores

    folder = demo_folder().as_posix()
    say("A Qwen from the inside. The one that the project trained itself answers a question:")
    run(["generate", QUESTION, "--chat"])
    model, _ = load(SHIPPED)
    scores_LH = induction_scores(model)
    layer, head = divmod(int(scores_LH.argmax()), scores_LH.shape[1])
    say("\nHow does it know? One head looks back to what came after the same words last time: on random tokens,")
    say(f"given twice, layer {layer}, head {head} has {scores_LH.max():.0%} of its attention there. Watch it go:")
    run(["trace", TEXT, "--html", f"{folder}/journey.html"])
    say("\nOpen that file in a browser; the arrow keys travel. Now yours:")
    say('  python main.py trace "红台灯是小梅的。蓝杯子是阿明的。红台灯是" --html journey.html')
    say("  python main.py inspect")
    say("  python main.py download Qwen3-0.6B --out models/Qwen3-0.6B")


def demo_folder() -> Path:
    """runs/demo, emptied; where the current folder can't be written to, a temporary one."""
    folder = Path("runs", "demo")
    try:
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="qwen-blog-"))
    return folder


# ---- generation ----------------------------------------------------------------------------------------------------


def generate(args: argparse.Namespace) -> None:
    from qwen_blog.chat_template import chat_ids
    from qwen_blog.generate import steps

    model, tokenizer = loaded(args)
    sampling = sampling_of(args)
    if args.chat:
        messages = [{"role": "user", "content": args.prompt}]
        ids = chat_ids(tokenizer, messages, enable_thinking=not args.no_thinking)
    else:
        ids = tokenizer.encode(args.prompt)
    written: list[int] = []
    ends = model.config.ends | sampling.ends

    def watched() -> Any:
        for id in steps(model, ids, args.max_new_tokens, sampling, args.seed):
            written.append(id)
            if id not in ends:
                yield id

    pieces = []
    for piece in tokenizer.stream(watched(), skip_special=True):
        pieces.append(piece)
        if not args.json:
            print(piece, end="", flush=True)
    finish = "end" if written and written[-1] in ends else "length"
    if args.json:
        cli.show({"text": "".join(pieces), "prompt_tokens": len(ids), "tokens": len(written), "finish": finish}, True)
    else:
        print()


def chat(args: argparse.Namespace) -> None:
    """Read a line, answer it, until the input ends. Ctrl-C stops a reply, and a second time the chat."""
    from qwen_blog.chat import Conversation
    from qwen_blog.chat_template import format_of

    model, tokenizer = loaded(args)
    format_of(tokenizer)  # before the first question: does the folder know chats?
    talk = Conversation(model, tokenizer, args.system, sampling_of(args), args.max_new_tokens, not args.no_thinking,
                        args.seed)  # fmt: skip
    if sys.stdin.isatty():
        note("Write a message; an empty line or Ctrl-D ends the chat.")
    while True:
        try:
            line = input("> " if sys.stdin.isatty() else "")
        except EOFError:
            break
        if not line.strip():
            break
        try:
            reply = talk.reply(line, lambda piece: print(piece, end="", flush=True))
        except KeyboardInterrupt:
            note("\n(stopped; the question is forgotten)")
            continue
        print()
        if reply.finish == "length":
            note(f"(cut off after {args.max_new_tokens} tokens; --max-new-tokens allows more)")
        if reply.forgotten:
            note(f"({reply.forgotten} earlier messages didn't fit any more)")


# ---- looking inside ------------------------------------------------------------------------------------------------


def inspect(args: argparse.Namespace) -> None:
    from qwen_blog import costs
    from qwen_blog.config import QwenConfig

    config = QwenConfig.from_json(args.model)
    groups = costs.groups(config)
    total, active = sum(group.parameters for group in groups), sum(group.active for group in groups)
    context = min(args.context or 4096, config.max_position_embeddings)
    contexts = sorted({min(each, config.max_position_embeddings) for each in (*costs.CONTEXTS, context)})
    rows = [asdict(group) | {"share": group.parameters / total, "bytes_float32": 4 * group.parameters,
                             "bytes_bfloat16": 2 * group.parameters} for group in groups]  # fmt: skip
    result: dict[str, Any] = {
        "model": args.model.as_posix(), "family": config.model_type, "parameters": total, "active": active,
        "groups": rows, "context": context, "flops_per_token": costs.flops_per_token(config, context),
        "cache": costs.cache_table(config, contexts),
    }  # fmt: skip
    if args.heads:
        from qwen_blog.induction import induction_scores

        model, _ = loaded(args)
        result["induction"] = induction_scores(model).tolist()
    if args.plot:
        from qwen_blog.cost_plot import cost_plot

        write(args.plot, cost_plot(config, args.model.name))
        result["plot"] = args.plot.as_posix()
    cli.show(result, args.json, lambda: "\n".join(inspect_lines(result)))


def inspect_lines(result: dict[str, Any]) -> list[str]:
    width = max(len(group["name"]) for group in result["groups"])
    lines = [f"{result['model']}: {result['family']}, {result['parameters']:,} parameters, "
             f"{result['active']:,} used by a token", ""]  # fmt: skip
    lines.append(f"{'parameters':{width}}  tensors        count   share     float32    bfloat16")
    for group in result["groups"]:
        lines.append(f"{group['name']:{width}}  {group['tensors']:7}  {group['parameters']:11,}  {group['share']:6.1%}"
                     f"  {size(group['bytes_float32'])}  {size(group['bytes_bfloat16'])}")  # fmt: skip
    mflop = result["flops_per_token"] / 1e6
    lines += ["", f"one token with {result['context']:,} positions in view: {mflop:,.1f} MFLOP", "",
              "cache of one text   positions       bytes     without GQA"]  # fmt: skip
    lines += [f"{row['dtype']:18}  {row['context']:9,}  {size(row['bytes'])}     {size(row['without_gqa'])}"
              for row in result["cache"]]  # fmt: skip
    for layer, row in enumerate(result.get("induction", ())):
        lines += ["", "induction score of each head"] * (layer == 0)
        lines.append(f"layer {layer}: " + "  ".join(f"{score:.2f}" for score in row))
    return lines + ([f"\n{result['plot']}: the same as a picture"] if "plot" in result else [])


def size(count: float) -> str:
    for unit in ("B  ", "KiB", "MiB"):
        if count < 1024:
            return f"{count:6.1f} {unit}"
        count /= 1024
    return f"{count:6.1f} GiB"


def trace(args: argparse.Namespace) -> None:
    from qwen_blog.chat_template import chat_ids, chat_text, format_of
    from qwen_blog.page import page
    from qwen_blog.trace import trace as travel
    from qwen_blog.trace_text import trace_lines, visible

    model, tokenizer = loaded(args, dtype="float32")
    text, ids = args.text, None
    if args.chat:
        messages = [{"role": "user", "content": args.text}]
        ids = chat_ids(tokenizer, messages, enable_thinking=not args.no_thinking)
        text = chat_text(messages, format_of(tokenizer), (), True, not args.no_thinking)
    sampling = sampling_of(args)
    journey = travel(model, tokenizer, text, layers=args.layers, sampling=sampling, seed=args.seed, ids=ids)
    result = journey_summary(journey)
    if not args.html:
        cli.show(result, args.json, lambda: "\n".join(trace_lines(journey)))
        return
    made = page(journey, model=args.model.resolve().name, language=args.language, largest=int(args.max_mib * (1 << 20)))
    data = made.encode("utf-8", "replace")
    write(args.html, data)
    result |= {"html": args.html.as_posix(), "bytes": len(data)}
    said = f"the next token is {visible(journey.next.text)} ({result['probability']:.1%})"
    cli.show(
        result, args.json, f"{args.html.as_posix()}: {len(journey.steps)} steps, {len(data) / 1024:,.0f} KiB; {said}"
    )


def journey_summary(journey: "Journey") -> dict[str, Any]:
    lens = journey.lens
    return {
        "tokens": [{"id": token.id, "text": token.text} for token in journey.tokens],
        "layers": journey.layers,
        "steps": [{"key": step.key, "station": step.station, "layer": step.layer, "dims": step.dims,
                   "shape": None if step.tensor is None else list(step.tensor.shape)} for step in journey.steps],
        "lens": [{"layer": layer - 1 if layer else None, "says": lens.texts[int(lens.best_LT[layer, -1])],
                  "probability": float(lens.best_probability_LT[layer, -1]),
                  "final": float(lens.final_probability_LT[layer, -1])} for layer in range(len(lens.best_LT))],
        "top": [{"id": id, "text": text, "logit": logit, "probability": probability}
                for id, text, logit, probability in journey.top],
        "next": {"id": journey.next.id, "text": journey.next.text},
        "probability": next((row[3] for row in journey.top if row[0] == journey.next.id), 0.0),
    }  # fmt: skip


def compare(args: argparse.Namespace) -> None:
    from qwen_blog.compare import compare as side_by_side
    from qwen_blog.hub import load
    from qwen_blog.trace_text import visible

    (first, tokenizer), (second, other) = load(args.a), load(args.b)
    if tokenizer is None:
        raise UserError(f"{args.a} has no tokenizer; copy the whole folder again")
    ids = tokenizer.encode(args.prompt)
    if other is None or other.encode(args.prompt) != ids:
        raise UserError(f"{args.b} cuts the prompt into other tokens than {args.a}; compare models of one tokenizer")
    found = side_by_side(first, second, ids, tuple(args.layers) if args.layers else None)
    result = asdict(found) | {"top": [[{"id": id, "text": tokenizer.decode([id]), "probability": p} for id, p in row]
                                      for row in found.top]}  # fmt: skip

    def lines() -> list[str]:
        said = [f"largest difference of two logits {found.largest:.4g}, divergence {found.divergence:.4g} nats", "",
                f"{'A says':24}  B says"]  # fmt: skip
        for (a, p), (b, q) in zip(*found.top, strict=True):
            said.append(f"{visible(tokenizer.decode([a])):14} {p:8.1%}   {visible(tokenizer.decode([b])):14} {q:8.1%}")
        said += ["", "after layer     divergence   looks back, positions"]
        for pair in found.pairs:
            name = "embedding" if pair.layers == (-1, -1) else f"{pair.layers[0]} and {pair.layers[1]}"
            back = f"{pair.distance[0]:8.2f} and {pair.distance[1]:.2f}" if pair.distance else ""
            said.append(f"{name:12}  {pair.divergence:12.4g}   {back}".rstrip())
        return said

    cli.show(result, args.json, lambda: "\n".join(lines()))


# ---- the rest ------------------------------------------------------------------------------------------------------


def download(args: argparse.Namespace) -> None:
    from tiny_shared.download import download as fetch
    from tiny_shared.download import hub_url

    out = args.out or Path("models", args.name)
    for file in FILES:  # the configuration comes last, so a folder that has it is whole
        fetch(hub_url(REPOSITORIES[args.name], file, source=args.source), out / file,
              licence=f"{REPOSITORIES[args.name]}, {LICENCE}" if file == "model.safetensors" else None)  # fmt: skip
    result: dict[str, Any] = {"folder": out.as_posix(), "bytes": sum((out / file).stat().st_size for file in FILES)}
    next_command = f"python main.py chat --model {out.as_posix()}"
    cli.show(result, args.json, f"{out.as_posix()}: {size(result['bytes']).strip()}. Now: {next_command}")


def read(args: argparse.Namespace) -> None:
    cli.print_reading_path(HERE, READING_PATH, args.json)


def loaded(args: argparse.Namespace, dtype: str | None = None) -> tuple[Any, Any]:
    """The model and tokenizer of --model."""
    import torch

    from qwen_blog.heads import SequenceClassifier, TokenClassifier
    from qwen_blog.hub import load

    if getattr(args, "compile", False):
        from qwen_blog.linear import compile_one_row

        compile_one_row()
    wanted = dtype or getattr(args, "dtype", None)
    low_memory = getattr(args, "low_memory", False)
    device = "cpu" if low_memory else cli.pick_device(getattr(args, "device", "cpu"))
    model, tokenizer = load(args.model, dtype=getattr(torch, wanted) if wanted else None, device=device,
                            low_memory=low_memory)  # fmt: skip
    if isinstance(model, SequenceClassifier | TokenClassifier):
        raise UserError(f"{args.model} is a classifier, which writes no text; take a language model")
    if tokenizer is None:
        raise UserError(f"{args.model} has no tokenizer; copy the whole folder again")
    return model, tokenizer


def sampling_of(args: argparse.Namespace) -> "Sampling":
    """As the model's makers recommend, but for what the user says."""
    from qwen_blog.sampling import Sampling

    said = {name: getattr(args, name) for name in ("temperature", "top_k", "top_p", "repetition_penalty")}
    return replace(
        Sampling.recommended(args.model), **{name: value for name, value in said.items() if value is not None}
    )


def write(path: Path, data: bytes) -> None:
    from tiny_shared.files import atomic_write

    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, data)


def say(text: str) -> None:
    print(text, flush=True)


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def run(arguments: Sequence[str]) -> None:
    """A command of the demonstration, printed as the reader would type it."""
    import shlex

    say(f"\n$ python main.py {shlex.join(arguments)}")
    args = parser().parse_args(list(arguments))
    args.run(args)


# ---- arguments -----------------------------------------------------------------------------------------------------


def parser() -> cli.Parser:
    top = cli.Parser(prog="main.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.set_defaults(run=demo)
    commands = top.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, function: Any, about: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=about, description=about)
        sub.set_defaults(run=function)
        if function is not chat:
            cli.add_json(sub)
        return sub

    sub = command("generate", generate, "write on from a prompt")
    sub.add_argument("prompt", metavar="PROMPT")
    add_model(sub)
    add_chat(sub)
    add_sampling(sub)
    sub = command("chat", chat, "talk with a model, line by line")
    add_model(sub)
    sub.add_argument("--system", metavar="TEXT", help="the system message")
    sub.add_argument("--no-thinking", action="store_true", help="of a Qwen3: answer without thoughts first")
    add_sampling(sub)
    sub = command("inspect", inspect, "where parameters, arithmetic and memory go")
    sub.add_argument("--model", type=Path, default=SHIPPED, metavar="DIR", help="(default: the shipped one)")
    sub.add_argument("--context", type=cli.positive, metavar="N", help="positions in view (default: 4096)")
    sub.add_argument("--heads", action="store_true", help="and run it to find its induction heads")
    sub.add_argument("--plot", type=Path, metavar="FILE", help="write the same as a picture (PNG)")
    sub = command("trace", trace, "travel as the tensor through one forward pass")
    sub.add_argument("text", metavar="TEXT")
    add_model(sub, numbers=False)
    add_chat(sub)
    sub.add_argument("--layers", type=int, nargs="+", metavar="N", help="(default: all of up to 4, else three)")
    sub.add_argument("--html", type=Path, metavar="FILE", help="write the journey as a page, instead of printing it")
    sub.add_argument("--language", choices=["en", "zh"], default="en", help="the page opens in (default: en)")
    sub.add_argument("--max-mib", type=above_zero, default=1.0, metavar="X", help="size of the page (default: 1)")
    add_sampling(sub, length=False)
    sub = command("compare", compare, "two models, or two layers, side by side")
    sub.add_argument("a", type=Path, metavar="A")
    sub.add_argument("b", type=Path, metavar="B")
    sub.add_argument("--prompt", default=TEXT, metavar="TEXT", help="(default: that of the demonstration)")
    sub.add_argument("--layers", type=int, nargs=2, metavar=("I", "J"), help="only layer I of A and J of B")
    sub = command("download", download, "fetch an official model")
    sub.add_argument("name", choices=REPOSITORIES, metavar="NAME", help=" or ".join(REPOSITORIES))
    sub.add_argument("--out", type=Path, metavar="DIR", help="(default: models/NAME)")
    sub.add_argument("--from", dest="source", choices=["hf", "modelscope"], default="hf", help="(default: hf)")
    command("read", read, "list the files to read, in order")
    return top


def add_model(sub: argparse.ArgumentParser, numbers: bool = True) -> None:
    sub.add_argument("--model", type=Path, default=SHIPPED, metavar="DIR", help="(default: the shipped one)")
    sub.add_argument("--low-memory", action="store_true", help="leave the weights on the disk, read a layer at a time")
    if numbers:
        sub.add_argument("--dtype", choices=["float32", "bfloat16"], help="of the weights (default: the files')")
        sub.add_argument("--compile", action="store_true", help="faster on a CPU, after some seconds for compiling")
        cli.add_device(sub)


def add_chat(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--chat", action="store_true", help="as a user's message in the chat format")
    sub.add_argument("--no-thinking", action="store_true", help="of a Qwen3: answer without thoughts first")


def add_sampling(sub: argparse.ArgumentParser, length: bool = True) -> None:
    group = sub.add_argument_group("sampling (default: what the model's generation_config.json recommends)")
    if length:
        group.add_argument("--max-new-tokens", type=cli.positive, default=512, metavar="N", help="(default: 512)")
    group.add_argument("--temperature", type=float, metavar="T", help="0 takes the most likely token")
    group.add_argument("--top-k", type=int, metavar="K", help="keep the K most likely tokens; 0: all")
    group.add_argument("--top-p", type=float, metavar="P", help="keep the fewest that have probability P together")
    group.add_argument("--repetition-penalty", type=float, metavar="X", help="above 1: what was written is less likely")
    cli.add_seed(sub)


def above_zero(text: str) -> float:
    value = float(text)
    if not 0 < value < 1024:
        raise argparse.ArgumentTypeError(f"must be above 0 and below 1024 (got {text})")
    return value


def user_errors() -> tuple[type[Exception], ...]:
    """The core's exceptions that the user can put right."""
    from qwen_blog.problem import Problem

    return (Problem,)


if __name__ == "__main__":
    sys.exit(cli.run(parser(), user_errors=user_errors()))
