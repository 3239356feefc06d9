"""tiny-agent on the command line; without a command it runs the offline demonstration.

This file only wires: parse, call, show. The lesson is in tiny_agent/; `python main.py read` lists it in order.
"""

import argparse
import json
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiny_shared import UserError, cli

if TYPE_CHECKING:
    from tiny_agent.loop import Limits, Result
    from tiny_agent.model import Model, Reply
    from tiny_agent.policy import Policy
    from tiny_agent.tools import Tool

HERE = Path(__file__).resolve().parent
READING_PATH = [
    "tiny_agent/react.py",
    "tiny_agent/tools/__init__.py",
    "tiny_agent/turns.py",
    "tiny_agent/loop.py",
    "tiny_agent/react_engine.py",
]
NOTES = HERE / "sample" / "notes"
DEMO = (
    "Ada buys 12 boxes with 36 eggs each. How many eggs is that?",
    "把 26.2 英里换算成公里。",
    "How many days are there from 2024-02-01 to 2024-03-01?",
    "北花园由谁照看？",
)


def demo(args: argparse.Namespace) -> None:
    """Four questions, answered by the shipped model with real tools; the last one's trace as a page."""
    folder = demo_folder()
    say("A model of 1.3 million parameters, made for this and shipped, answers four questions with real tools.\n")
    for number, question in enumerate(DEMO, 1):
        trace = folder / f"{number}.jsonl"
        say(f'$ python main.py ask "{question}" --trace {trace.as_posix()}')
        args = parser().parse_args(["ask", question, "--trace", str(trace), "--model", "offline"])
        args.run(args)
        say("")
    say("Everything that went to the model and came back is in the trace; as a page:")
    run(["trace", trace.as_posix(), "--html", (folder / "4.html").as_posix()])
    say("\nNow your own model, behind any OpenAI-compatible server, and your own files:")
    say(
        "  python main.py ask QUESTION --engine tools --model MODEL --base-url http://localhost:8000/v1 --workspace DIR"
    )


def demo_folder() -> Path:
    """runs/demo, emptied; where the current folder can't be written to, a temporary one."""
    folder = Path("runs", "demo")
    try:
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="tiny-agent-demo-"))
    return folder


def ask(args: argparse.Namespace) -> None:
    from tiny_agent.trace import Trace, as_text, read

    with tempfile.TemporaryDirectory(prefix="tiny-agent-trace-") as folder:
        path = args.trace or Path(folder, "run.jsonl")
        with Trace(path) as trace:
            result = answer(args, args.question, trace)
        if args.json:
            cli.show(result_json(result), True)
        else:
            print("\n".join(as_text(list(read(path)))))


def answer(args: argparse.Namespace, question: str, trace: Any, before: Sequence[dict[str, Any]] = (),
           on_piece: Callable[[str], object] | None = None) -> "Result":  # fmt: skip
    """One run with what the command line says."""
    from tiny_agent.function_calling import FunctionCalling
    from tiny_agent.loop import run as loop
    from tiny_agent.react_engine import React
    from tiny_agent.sop import follow, read_procedure

    model, limits, policy, tools = model_of(args), limits_of(args), policy_of(args), tools_of(args)
    trace.begin(question, model.name, args.engine, limits)
    if args.engine == "sop":
        roles = read_procedure(args.procedure) if args.procedure else read_procedure()
        result, _ = follow(question, model, tools, roles, limits, policy, watch=trace.watch)
        trace.watch("end", {"result": result})
        return result
    engine = React(on_piece) if args.engine == "react" else FunctionCalling(on_piece)
    return loop(question, model, tools, engine, limits, policy, trace.watch, before)


def chat(args: argparse.Namespace) -> None:
    """A conversation: each line a question, /quit or the end of the input ends it."""
    from tiny_agent.memory import Memory
    from tiny_agent.trace import Trace, short

    args.approve = approve
    with tempfile.TemporaryDirectory(prefix="tiny-agent-chat-") as temporary:
        memory = Memory(args.memory or Path(temporary, "memory.jsonl"))
        for number, question in enumerate(lines_typed(), 1):
            trace = Path(args.traces or temporary) / f"chat-{os.getpid()}-{number}.jsonl"
            with Trace(trace) as writing:
                before = memory.recent(8000)
                result = answer(args, question, writing, before, lambda piece: print(piece, end="", flush=True))
            said = short(result.answer, 4000)
            print(f"\n{said}" + ("" if result.stop_reason == "answered" else f"\n({result.stop_reason})"), flush=True)
            memory.add(question, result.answer)


def lines_typed() -> Iterator[str]:
    while True:
        try:
            line = input("> " if sys.stdin.isatty() else "")
        except EOFError:
            return
        if line.strip() == "/quit":
            return
        if line.strip():
            yield line.strip()


def tools(args: argparse.Namespace) -> None:
    found = tools_of(args)
    rows = [tool.schema()["function"] | {"effect": tool.effect, "untrusted": tool.untrusted} for tool in found]
    cli.show(rows, args.json, lambda: "\n".join(
        f"{tool.name}({tool.signature()})\n    {tool.description} "
        f"[{tool.effect}{', untrusted' if tool.untrusted else ''}]"
        for tool in found
    ))  # fmt: skip


def sandbox(args: argparse.Namespace) -> None:
    from tiny_agent.sandbox import SandboxUnavailable, run_python

    try:
        if args.what == "selftest":
            selftest(args)
            return
        if args.file is None:
            raise UserError("name the program: sandbox run FILE.py")
        ran = run_python(args.file.read_text(encoding="utf-8"), args.timeout, args.memory)
    except SandboxUnavailable as error:
        raise UserError(str(error)) from None
    if args.json:
        cli.show(ran, True)
        return
    sys.stdout.write(ran.stdout)
    sys.stderr.write(ran.stderr)
    if ran.stopped:
        print(f"stopped: {ran.stopped}", file=sys.stderr)
    if ran.exit_code:
        raise UserError(f"the program ended with {ran.exit_code}; see above")


def selftest(args: argparse.Namespace) -> None:
    """Every attack, and which layers hold."""
    from tiny_agent.sandbox import run_python
    from tiny_agent.sandbox.attacks import ATTACKS, MARK

    layers = run_python("pass").layers
    rows = []
    for attack in cli.progress(ATTACKS, unit="attack"):
        ran = run_python(attack.program, 1.0, 200)
        rows.append({"kind": attack.kind, "name": attack.name, "escaped": MARK in ran.stdout + ran.stderr,
                     "ended": ran.stopped or ran.exit_code, "seconds": ran.seconds})  # fmt: skip
    escaped = [row for row in rows if row["escaped"]]
    kinds = {kind: sum(row["kind"] == kind for row in rows) for kind in dict.fromkeys(row["kind"] for row in rows)}
    text = "\n".join([*(f"{name:18} {held}" for name, held in layers.items()), "",
                      *(f"{kind:18} {count} attacks" for kind, count in kinds.items()),
                      f"{len(rows) - len(escaped)} of {len(rows)} attacks failed, as they should"])  # fmt: skip
    cli.show({"layers": layers, "attacks": rows, "escaped": len(escaped)}, args.json, text)
    if escaped:
        raise UserError(
            f"{', '.join(str(row['name']) for row in escaped)} got through; don't run foreign programs here"
        )


def trace(args: argparse.Namespace) -> None:
    from tiny_agent.trace import as_text, page, read

    try:
        events = list(read(args.file))
    except ValueError as error:
        raise UserError(str(error)) from None
    if args.html:
        from tiny_shared.files import atomic_write

        atomic_write(args.html, page(events, args.file.name))
        print(f"{args.html.as_posix()}: open it in a browser")
        return
    cli.show(events, args.json, lambda: "\n".join(as_text(events)))


def evaluate(args: argparse.Namespace) -> None:
    from tiny_shared.files import read_jsonl

    from tiny_agent.evaluate import evaluate as score_all
    from tiny_agent.evaluate import questions
    from tiny_agent.trace import Trace

    rows = ((f"{args.file.as_posix()}, question {number}", row) for number, row in enumerate(read_jsonl(args.file), 1))
    try:
        asked = list(questions(rows))[: args.limit]
    except ValueError as error:
        raise UserError(str(error)) from None
    counter = iter(range(1, len(asked) + 1))
    with tempfile.TemporaryDirectory(prefix="tiny-agent-eval-") as temporary:
        folder = args.traces or Path(temporary)

        def one(question: str) -> "Result":
            with Trace(folder / f"{next(counter)}.jsonl") as trace:
                return answer(args, question, trace)

        with cli.progress_bar("questions", len(asked), "question") as bar:
            score = score_all(asked, one, lambda: bar.update())
    found = score.as_json()
    cli.show(found, args.json, lambda: (
        f"{args.engine}: {found['accuracy']:.1%} of {found['questions']} right, {found['steps']:.2f} steps and "
        f"{found['tokens']:,.0f} tokens a question; "
        + ", ".join(f"{count} {name}" for name, count in found["stopped"].items())
    ))  # fmt: skip


def read(args: argparse.Namespace) -> None:
    cli.print_reading_path(HERE, READING_PATH, args.json)


# ---- wiring ----------------------------------------------------------------------------------------------------------


def say(text: str) -> None:
    print(text, flush=True)


def run(arguments: list[str]) -> None:
    """One command of the demonstration, written out as the reader would type it."""
    say("$ python main.py " + " ".join(arguments))
    args = parser().parse_args(arguments)
    args.run(args)


def result_json(result: "Result") -> dict[str, Any]:
    calls = [{"name": done.call.name, "arguments": done.call.arguments, "output": done.output, "failed": done.failed}
             for step in result.steps for done in step.done]  # fmt: skip
    return {"answer": result.answer, "stop_reason": str(result.stop_reason), "why": result.why,
            "steps": len(result.steps), "calls": calls, "usage": vars(result.usage)}  # fmt: skip


def model_of(args: argparse.Namespace) -> "Model":
    """The shipped model, or one behind a server."""
    from dataclasses import replace

    from tiny_shared.endpoint import Settings

    settings = Settings.from_env()
    if args.base_url:
        settings = replace(settings, base_url=args.base_url)
    name = args.model or settings.model or ("" if settings.configured else "offline")
    if name == "offline":
        from tiny_agent.offline.model import OfflineModel

        if args.engine != "react":
            raise UserError("the shipped model knows only --engine react; name a server's model with --model")
        return OfflineModel()
    return ServerModel(replace(settings, model=name), args.temperature, args.max_tokens)


class ServerModel:
    """A server's model behind the core's interface."""

    def __init__(self, settings: Any, temperature: float, max_tokens: int) -> None:
        from tiny_shared.chat import Chat

        self.name = settings.model
        self.chat, self.options = Chat(settings), {"temperature": temperature, "max_tokens": max_tokens}

    def reply(self, messages: Sequence[dict[str, Any]], tools: Sequence[dict[str, Any]] = (), stop: Sequence[str] = (),
              on_piece: Callable[[str], object] | None = None) -> "Reply":  # fmt: skip
        from tiny_shared.chat import ChatError

        from tiny_agent.model import ModelFailed, Reply, ToolCall

        options = self.options | ({"tools": list(tools)} if tools else {}) | ({"stop": list(stop)} if stop else {})
        try:
            if on_piece:
                with self.chat.stream(messages, **options) as stream:
                    for piece in stream:
                        on_piece(piece)
                found = stream.reply
                assert found is not None
            else:
                found = self.chat.complete(messages, **options)
        except ChatError as error:
            raise ModelFailed(str(error)) from None
        calls = [ToolCall(call.id, call.name, call.arguments) for call in found.tool_calls]
        return Reply(found.text, calls, found.finish_reason, found.usage.prompt_tokens, found.usage.completion_tokens)


def tools_of(args: argparse.Namespace) -> "list[Tool]":
    from tiny_agent.tools.shipped import shipped_tools

    workspace = args.workspace or NOTES
    if not workspace.is_dir():
        raise UserError(f"{workspace.as_posix()} is no folder; name the one with your files")
    found = shipped_tools(workspace, args.notes or workspace, getattr(args, "ask_user", None), web_search(),
                          not args.no_python, fetcher() if args.web else None)  # fmt: skip
    if unknown := set(args.only) - {tool.name for tool in found}:
        raise UserError(f"there is no tool {', '.join(sorted(unknown))}; there are: "
                        f"{', '.join(tool.name for tool in found)}")  # fmt: skip
    return [tool for tool in found if not args.only or tool.name in args.only]


def fetcher() -> Callable[[str], Any]:
    """Pages of the open network, through this machine's own look-up of names."""
    from tiny_agent.tools.web import fetch

    def find(host: str, port: int) -> list[str]:
        try:
            return [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        except (OSError, UnicodeError):
            return []

    return lambda url: fetch(url, find, socket.create_connection)


def web_search() -> Callable[[str], str] | None:
    """Serper if SERPER_API_KEY is set, SearXNG if SEARXNG_URL is; else no search."""
    key, address = os.environ.get("SERPER_API_KEY", "").strip(), os.environ.get("SEARXNG_URL", "").strip()
    if not key and not address:
        return None

    def search(words: str) -> str:
        import requests

        from tiny_agent.tools import ToolError

        try:
            if key:
                answer = requests.post("https://google.serper.dev/search", json={"q": words}, timeout=15,
                                       headers={"X-API-KEY": key})  # fmt: skip
                rows = [
                    (row.get("title"), row.get("link"), row.get("snippet")) for row in answer.json().get("organic", [])
                ]
            else:
                answer = requests.get(
                    f"{address.rstrip('/')}/search", params={"q": words, "format": "json"}, timeout=15
                )
                rows = [
                    (row.get("title"), row.get("url"), row.get("content")) for row in answer.json().get("results", [])
                ]
        except (requests.RequestException, ValueError) as error:
            raise ToolError(f"the search failed ({type(error).__name__})") from None
        return "\n\n".join(f"{title}\n{link}\n{about}" for title, link, about in rows[:6]) or "nothing found"

    return search


def limits_of(args: argparse.Namespace) -> "Limits":
    from tiny_agent.loop import Limits

    return Limits(steps=args.steps, tokens=args.tokens, seconds=args.seconds)


def policy_of(args: argparse.Namespace) -> "Policy":
    from tiny_agent.policy import Policy

    rules = {}
    for given in args.policy:
        name, _, rule = given.partition("=")
        if rule not in ("auto", "ask", "deny"):
            raise UserError(f"--policy {given}: write TOOL=auto, TOOL=ask or TOOL=deny")
        rules[name] = rule
    return Policy(rules, getattr(args, "approve", approve if sys.stdin.isatty() else None))


def approve(tool: "Tool", arguments: dict[str, Any], why: str) -> bool:
    from tiny_agent.trace import short

    print(f"\n{tool.name} {short(json.dumps(arguments, ensure_ascii=False), 500)}\n({why})", file=sys.stderr)
    try:
        return input("allow? [y/N] ").strip().lower() in ("y", "yes", "是")
    except EOFError:
        return False


def parser() -> cli.Parser:
    top = cli.Parser(prog="main.py", description="An agent whose every step can be seen, and that stops honestly.")
    top.set_defaults(run=demo)
    commands = top.add_subparsers(title="commands (none: the demonstration)", metavar="COMMAND")

    def command(name: str, run: Any, about: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".")
        sub.set_defaults(run=run)
        return sub

    sub = command("ask", ask, "answer one question")
    sub.add_argument("question")
    add_run(sub)
    cli.add_json(sub)
    sub.add_argument("--trace", type=Path, metavar="FILE.jsonl", help="write down everything")

    sub = command("chat", chat, "talk; tools that need it ask for approval")
    add_run(sub)
    sub.add_argument("--memory", type=Path, metavar="FILE.jsonl", help="what was said before, and goes on")
    sub.add_argument("--traces", type=Path, metavar="DIR", help="write a trace of every answer there")

    sub = command("tools", tools, "list the tools, as the model sees them")
    add_tools(sub)
    cli.add_json(sub)

    sub = command("sandbox", sandbox, "run a program in the sandbox, or attack it")
    sub.add_argument("what", choices=["selftest", "run"])
    sub.add_argument("file", type=Path, nargs="?", metavar="FILE.py")
    sub.add_argument("--timeout", type=float, default=5.0, metavar="S", help="default: 5")
    sub.add_argument("--memory", type=cli.positive, default=256, metavar="MB", help="default: 256")
    cli.add_json(sub)

    sub = command("trace", trace, "read a trace, in the terminal or as a page")
    sub.add_argument("file", type=Path, metavar="RUN.jsonl")
    sub.add_argument("--html", type=Path, metavar="FILE.html", help="write it as one page")
    cli.add_json(sub)

    sub = command("eval", evaluate, "answer questions with known answers, and count")
    sub.add_argument("file", type=Path, metavar="FILE.jsonl", help='{"question", "answer"} a line; GSM8K as it is')
    add_run(sub)
    cli.add_json(sub)
    sub.add_argument("--limit", type=cli.positive, metavar="N", help="only the first N questions")
    sub.add_argument("--traces", type=Path, metavar="DIR", help="keep a trace of every question there")

    sub = command("read", read, "list the files to read, in order")
    cli.add_json(sub)
    return top


def add_tools(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--workspace", type=Path, metavar="DIR", help="files that tools may read (default: the sample)")
    sub.add_argument("--notes", type=Path, metavar="DIR", help="notes to search (default: the workspace)")
    sub.add_argument("--web", action="store_true", help="allow pages of the web to be read")
    sub.add_argument("--no-python", action="store_true", help="without the Python tool")
    sub.add_argument("--only", action="append", default=[], metavar="TOOL", help="offer only this tool, which makes "
                     "the prompt shorter; may be repeated")  # fmt: skip


def add_run(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--engine", choices=["react", "tools", "sop"], default="react", help="default: react")
    sub.add_argument(
        "--model", metavar="M", help="a name that the server knows, or offline (default: OPENAI_MODEL, or offline)"
    )
    sub.add_argument("--base-url", metavar="URL", help="of the server (default: OPENAI_BASE_URL)")
    sub.add_argument("--temperature", type=float, default=0.0, metavar="X", help="default: 0")
    sub.add_argument("--max-tokens", type=cli.positive, default=1024, metavar="N", help="of one reply (default: 1024)")
    sub.add_argument("--procedure", type=Path, metavar="FILE.yaml", help="for --engine sop (default: the shipped one)")
    sub.add_argument("--steps", type=cli.positive, default=12, metavar="N", help="at most (default: 12)")
    sub.add_argument("--tokens", type=cli.positive, default=100_000, metavar="N", help="at most (default: 100000)")
    sub.add_argument("--seconds", type=float, default=300.0, metavar="S", help="at most (default: 300)")
    sub.add_argument(
        "--policy", action="append", default=[], metavar="TOOL=RULE", help="auto, ask or deny; may be repeated"
    )
    add_tools(sub)


if __name__ == "__main__":
    sys.exit(cli.run(parser()))
